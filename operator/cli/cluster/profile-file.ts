import { parseAllDocuments } from 'yaml';
import { GROUP } from '../../api/names.ts';
import type { SysctlProfile } from '../../api/profile.ts';
import { OperatorError } from '../../errors.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (file: string, message: string): OperatorError =>
  new OperatorError('Configuration', `${file}: ${message}; kubectl sysctl lint ${file} says more`);

/** What the planner relies on; everything else the API server judges, and `lint`. */
function check(file: string, object: Record<string, unknown>): SysctlProfile {
  const { metadata, spec } = object;
  if (!isObject(metadata) || typeof metadata['name'] !== 'string')
    throw wrong(file, 'a SysctlProfile without metadata.name');
  const name = metadata['name'];
  if (!isObject(spec) || !isObject(spec['nodeSelector']))
    throw wrong(file, `profile ${name} has no spec.nodeSelector`);
  const sysctls = spec['sysctls'] ?? [];
  const isEntry = (entry: unknown): boolean =>
    isObject(entry) &&
    typeof entry['name'] === 'string' &&
    ['string', 'number'].includes(typeof entry['value']);
  if (!Array.isArray(sysctls) || !sysctls.every(isEntry))
    throw wrong(file, `spec.sysctls of profile ${name} must be a list of entries with name and value`);
  return object as unknown as SysctlProfile;
}

/** The profiles of a YAML or JSON file; other objects in it are left alone. Throws `Configuration` where there is none. */
export function profilesIn(file: string, text: string): SysctlProfile[] {
  const profiles: SysctlProfile[] = [];
  for (const document of parseAllDocuments(text)) {
    const [error] = document.errors;
    if (error) throw wrong(file, error.message.split('\n')[0] ?? '');
    const value: unknown = document.toJS();
    const objects =
      isObject(value) && Array.isArray(value['items']) ? (value['items'] as unknown[]) : [value];
    for (const object of objects)
      if (isObject(object) && object['kind'] === 'SysctlProfile' && ofUs(object))
        profiles.push(check(file, object));
  }
  if (profiles.length === 0) throw wrong(file, 'there is no SysctlProfile in it');
  return profiles;
}

const ofUs = ({ apiVersion }: Record<string, unknown>): boolean =>
  typeof apiVersion === 'string' && apiVersion.startsWith(`${GROUP}/`);
