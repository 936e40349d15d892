import { isMap, parseAllDocuments, type Document } from 'yaml';
import { API_VERSION } from '../api/names.ts';
import type { SysctlProfile } from '../api/profile.ts';
import { InputError } from './usage.ts';

/** Integers beyond what JavaScript counts exactly become texts, digit by digit as they were written: kernel.shmmax is one. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
}

/** The document as a profile, where it is one. */
function profileIn(document: Document, file: string): SysctlProfile[] {
  const [error] = document.errors;
  if (error) throw new InputError(`${file}: ${error.message.split('\n')[0]}`);
  const { contents } = document;
  if (
    !isMap(contents) ||
    contents.get('kind') !== 'SysctlProfile' ||
    contents.get('apiVersion') !== API_VERSION
  )
    return [];
  const profile = exact(contents.toJS(document)) as SysctlProfile;
  if (!profile.metadata?.name || !profile.spec)
    throw new InputError(
      `${file}: a SysctlProfile needs metadata.name and spec; kubectl sysctl lint ${file} says more`,
    );
  return [profile];
}

/** The SysctlProfiles in a YAML or JSON file; other objects in it are passed over. Throws InputError. */
export function readProfiles(file: string, text: string): SysctlProfile[] {
  const documents = parseAllDocuments(text, { logLevel: 'error', intAsBigInt: true });
  const profiles = documents.flatMap((document) => profileIn(document as Document, file));
  if (profiles.length === 0)
    throw new InputError(
      `${file}: no SysctlProfile (${API_VERSION}) in it; for another format use kubectl sysctl adopt`,
    );
  return profiles;
}
