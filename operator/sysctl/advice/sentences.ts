/**
 * What is said about entries and patterns of a profile: at admission (manifests/base/advice-policy.yaml is made of it), in its status,
 * and on the command line. Each continues "KEYS: " and stands for one key as well as for several.
 */
export const SENTENCES = {
  guarded: 'left out until spec.acknowledgeRisks names it',
  exclusive: 'the kernel sets one to 0 when the other is written; keep one of the two',
  same: 'two names of one value, given different values; keep one of the two',
  kubelet:
    'the kubelet sets it again at every start, and with protectKernelDefaults does not start when it differs',
  kubeProxy: 'kube-proxy sets it too: give it the same value there, or 0',
  newPods: 'new pods start with the value of the node; pods that run already keep theirs',
  notPods: 'the value of the node does not reach pods; they set their own in securityContext.sysctls',
  asked:
    'written nowhere: pods set their own in securityContext.sysctls; say scope Pod if you mean that, scope Node for the value of the node',
  wholeNode:
    'a pod can set net.netfilter.nf_hooks_lwtunnel with it, which changes the whole node until its next boot',
  unsettable: 'no container runtime can set it in a pod; such a pod stays in ContainerCreating',
  tooWide: 'also allows what no container runtime can set in a pod; such a pod stays in ContainerCreating',
} as const;

export type AdviceKind = keyof typeof SENTENCES;
