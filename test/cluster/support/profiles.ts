import type { Answer, Client } from './client.ts';

export const PROFILES = '/apis/sysctl-operator.dev/v1alpha1/sysctlprofiles';

/** A SysctlProfile as a person writes it; `spec` is YAML, indented by nothing. */
export function profileYaml(name: string, spec: string): string {
  const indented = spec.trimEnd().replaceAll(/^/gm, '  ');
  return `apiVersion: sysctl-operator.dev/v1alpha1\nkind: SysctlProfile\nmetadata:\n  name: ${name}\nspec:\n${indented}\n`;
}

/** Creates it as kubectl does: unknown fields are errors. The server reads the YAML itself, with the parser that kubectl has. */
export const createProfile = (client: Client, name: string, spec: string): Promise<Answer> =>
  client.call({
    method: 'POST',
    path: `${PROFILES}?fieldValidation=Strict`,
    body: profileYaml(name, spec),
    contentType: 'application/yaml',
  });

/** A spec for all nodes with these entries, each a YAML flow mapping. */
export const sysctls = (...entries: string[]): string =>
  `nodeSelector: {}\nsysctls:\n${entries.map((entry) => `- ${entry}\n`).join('')}`;

/** A spec for all nodes with these patterns for pods, as a YAML flow sequence. */
export const patterns = (list: string): string => `nodeSelector: {}\npods: {allowedUnsafeSysctls: ${list}}`;
