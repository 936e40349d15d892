import {
  ALL_INTERFACES,
  COPIED_FAMILY,
  ON_THE_WAY,
  ONE_INTERFACE,
} from '../../operator/sysctl/advice/keys.ts';
import { EXCLUSIVE, SAME } from '../../operator/sysctl/advice/pairs.ts';
import { UNSETTABLE, WHOLE_NODE } from '../../operator/sysctl/advice/patterns.ts';
import { SENTENCES, type AdviceKind } from '../../operator/sysctl/advice/sentences.ts';
import { MOST_NAMED } from '../../operator/sysctl/advice/warnings.ts';
import advice from '../../operator/sysctl/catalog/advice.json' with { type: 'json' };
import essentials from '../../operator/sysctl/catalog/essentials.json' with { type: 'json' };
import { ABSENT_FAMILY, KUBE_PROXY_OWNED, KUBELET_OWNED } from '../../operator/sysctl/catalog/lookup.ts';
import { GUARDS } from '../../operator/sysctl/guards.ts';
import { kubeletNamespace, PATTERN } from '../../operator/sysctl/kubelet-patterns.ts';

export const PATH = 'manifests/base/advice-policy.yaml';

type Named = readonly [name: string, expression: string];

const list = (items: Iterable<string>): string => `[${[...items].map((item) => `'${item}'`).join(', ')}]`;
const pairs = (all: readonly (readonly string[])[]): string => `[${all.map(list).join(', ')}]`;
/** RE2 understands what is used here; a raw string keeps the backslashes. */
const matches = (what: string, { source }: RegExp): string => `${what}.matches(r'${source}')`;

/** The spelling with a dot as first separator, as normalizePattern makes it. */
const normal = (name: string): string =>
  String.raw`(${name}.matches('^[^./]*/') ? ${name}.replace('.', '\n').replace('/', '.').replace('\n', '/') : ${name})`;

const why = GUARDS.map(({ reason, names, pattern }) => {
  const tests = [
    ...(names.size > 0 ? [`e.key in ${list(names)}`] : []),
    ...(pattern ? [matches('e.key', pattern)] : []),
  ];
  return `${tests.join(' || ')} ? '${reason}' : `;
}).join('');

const nodeOnly = Object.values(essentials.node).flat();
const own = `e.key.startsWith('net.') && !(e.key in ${list(nodeOnly)}) && !${matches('e.key', ABSENT_FAMILY)} || e.key in ${list(
  essentials.ipc.filter((name) => kubeletNamespace(name) === 'ipc'),
)} || e.key.startsWith('fs.mqueue.')`;

/** Each can use those before it. All values of a map must have one type, hence texts only: an empty one is false. */
const variables: readonly Named[] = [
  ['acknowledged', `object.spec.?acknowledgeRisks.orValue([]).map(r, ${normal('r')})`],
  [
    'named',
    `object.spec.?sysctls.orValue([]).map(s, {'name': string(s.name), 'key': string(${normal('s.name')}), 'scope': string(s.scope), 'value': string(s.value)})`,
  ],
  [
    'judged',
    `variables.named.map(e, {'name': e.name, 'key': e.key, 'scope': e.scope, 'value': e.value, 'own': ${own} ? 'yes' : '', 'why': e.key in variables.acknowledged ? '' : ${why}''})`,
  ],
  [
    'onNode',
    `variables.judged.filter(e, e.scope == 'Node' || e.scope == 'Auto' && !(e.own != '' && ${matches('e.key', PATTERN)}))`,
  ],
  // A look at the list for each pair, before anything is compared with anything.
  ['keys', `variables.onNode.map(e, e.key)`],
  ['taken', `variables.onNode.filter(e, e.why == '')`],
  [
    'copied',
    `variables.taken.filter(e, e.key in ${list(advice.copied)} || ${matches('e.key', COPIED_FAMILY)}).map(e, e.name)`,
  ],
  [
    'admitting',
    `object.spec.?pods.?allowedUnsafeSysctls.orValue([]).map(p, {'text': string(p), 'wide': p.endsWith('*') ? 'yes' : '', 'prefix': string(${normal('p')}).replace('*', '')})`,
  ],
  ['unsettable', list(UNSETTABLE)],
  [
    'refused',
    `variables.admitting.map(p, {'text': p.text, 'wide': p.wide, 'keys': variables.unsettable.filter(k, k == p.prefix || p.wide != '' && k.startsWith(p.prefix)).join(' ')}).filter(p, p.keys != '')`,
  ],
];

const fighting = (all: readonly (readonly string[])[], condition: string): string =>
  `${pairs(all)}.filter(p, ${condition}).map(p, p.join(' with '))`;

/** What each message names, in the order of the messages. */
const findings: readonly (readonly [kind: AdviceKind, field: string, items: string])[] = [
  ['guarded', 'sysctls', `variables.judged.filter(e, e.why != '').map(e, e.name + ' because ' + e.why)`],
  [
    'exclusive',
    'sysctls',
    fighting(
      EXCLUSIVE,
      `p.all(k, k in variables.keys && variables.onNode.exists(e, e.key == k && e.value != '0'))`,
    ),
  ],
  [
    'same',
    'sysctls',
    fighting(
      SAME,
      'p[0] in variables.keys && p[1] in variables.keys && variables.onNode.exists(e, e.key == p[0] && variables.onNode.exists(f, f.key == p[1] && f.value != e.value))',
    ),
  ],
  ['kubelet', 'sysctls', `variables.taken.filter(e, e.key in ${list(KUBELET_OWNED)}).map(e, e.name)`],
  ['kubeProxy', 'sysctls', `variables.taken.filter(e, e.key in ${list(KUBE_PROXY_OWNED)}).map(e, e.name)`],
  ['newPods', 'sysctls', 'variables.copied'],
  [
    'notPods',
    'sysctls',
    `variables.taken.filter(e, e.own != '' && !(e.name in variables.copied) && (!${matches('e.key', ONE_INTERFACE)} || ${matches('e.key', ALL_INTERFACES)}) && !${matches('e.key', ON_THE_WAY)}).map(e, e.name)`,
  ],
  [
    'asked',
    'sysctls',
    `variables.judged.filter(e, e.scope == 'Auto' && e.why == '' && e.own != '' && ${matches('e.key', PATTERN)}).map(e, e.name)`,
  ],
  [
    'wholeNode',
    'pods.allowedUnsafeSysctls',
    `variables.admitting.filter(p, p.wide != '' && '${WHOLE_NODE}'.startsWith(p.prefix)).map(p, p.text)`,
  ],
  ['unsettable', 'pods.allowedUnsafeSysctls', `variables.refused.filter(p, p.wide == '').map(p, p.text)`],
  [
    'tooWide',
    'pods.allowedUnsafeSysctls',
    `variables.refused.filter(p, p.wide != '').map(p, p.text + ' such as ' + p.keys.split(' ')[0])`,
  ],
];

const indices = Array.from({ length: MOST_NAMED }, (_, i) => i).join(', ');
const listed = (items: string): string =>
  `(size(${items}) <= ${MOST_NAMED} ? ${items}.join(', ') : [${indices}].map(i, ${items}[i]).join(', ') + ' and ' + string(size(${items}) - ${MOST_NAMED}) + ' more')`;

const WIDTH = 130;

/** A folded block: a line break in it is a blank again. */
function folded(text: string, indent: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && indent.length + line.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return ['>-', ...lines.map((line) => `${indent}${line}`)].join('\n');
}

const variable = ([name, expression]: Named): string =>
  `    - name: ${name}\n      expression: ${folded(expression, ' '.repeat(8))}\n`;

function validation([kind, field]: (typeof findings)[number]): string {
  const name = `variables.${kind}Items`;
  return `    - expression: size(${name}) == 0
      message: ${JSON.stringify(`spec.${field}: ${SENTENCES[kind]}`)}
      messageExpression: ${folded(`'spec.${field} (' + ${listed(name)} + '): ${SENTENCES[kind]}'`, ' '.repeat(8))}
`;
}

/** The policy: what operator/sysctl/advice says, in the API server's own language. */
export function advicePolicy(): string {
  const all = [...variables, ...findings.map(([kind, , items]): Named => [`${kind}Items`, items])];
  return `# Generated by \`npm run catalog\` from operator/sysctl. kubectl shows what is found here as warnings; nothing is refused, also when an
# expression fails. The same sentences are in status.sysctls[].reason.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: sysctl-operator-advice
spec:
  failurePolicy: Ignore
  matchConstraints:
    resourceRules:
      - apiGroups: [sysctl-operator.dev]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [sysctlprofiles]
        scope: "*"
    # Defaults, written out: matchConstraints is one field to server-side apply, and would conflict with itself without them.
    matchPolicy: Equivalent
    namespaceSelector: {}
    objectSelector: {}
  variables:
${all.map(variable).join('')}  validations:
${findings.map(validation).join('')}---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: sysctl-operator-advice
spec:
  policyName: sysctl-operator-advice
  validationActions: [Warn]
`;
}
