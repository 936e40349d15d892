import type { SysctlEntry, SysctlProfile } from '../../api/profile.ts';
import { MARK, plainEntry } from '../sysctl-d-marks.ts';
import { InputError } from '../usage.ts';
import { acceptable, newProfile, type Adopted } from './adopted.ts';

type Said = { profile?: SysctlProfile; entry?: SysctlEntry } & Partial<Record<keyof SysctlEntry, unknown>>;

function parseMark(line: string, number: number): Said {
  try {
    return JSON.parse(line.slice(MARK.length)) as Said;
  } catch (error) {
    throw new InputError(
      `line ${number}: what follows "${MARK}" is not what render wrote: take the line out (${(error as Error).message})`,
    );
  }
}

/** Takes the word of render's comments for what the line alone does not say; null takes a field away. */
function withMore(entry: SysctlEntry, more: Said | undefined): SysctlEntry {
  const all = { ...entry, ...more };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null),
  ) as unknown as SysctlEntry;
}

/** One file: what stands before the first profile of render, and the profiles. */
class Reader {
  readonly profiles: SysctlProfile[] = [];
  readonly loose: SysctlEntry[] = [];
  readonly lost: string[] = [];
  #more: Said | undefined;

  line(line: string, number: number): void {
    if (line.startsWith(MARK)) this.#mark(parseMark(line, number));
    else if (line !== '' && !/^[#;]/.test(line)) this.#setting(line, number);
  }

  #mark(said: Said): void {
    if (said.profile) this.profiles.push(said.profile);
    else if (said.entry) this.#add(said.entry);
    else this.#more = said;
  }

  #add(entry: SysctlEntry): void {
    const profile = this.profiles.at(-1);
    if (profile) (profile.spec.sysctls ??= []).push(entry);
    else this.loose.push(entry);
  }

  #setting(line: string, number: number): void {
    const equals = line.indexOf('=');
    const optional = line.startsWith('-');
    const name = line.slice(optional ? 1 : 0, Math.max(0, equals)).trim();
    if (equals === -1)
      this.lost.push(
        `line ${number}: ${optional ? 'a profile has no patterns to take keys out of' : 'no "="'}: ${line}`,
      );
    else if (/[*?[]/.test(name))
      this.lost.push(`line ${number}: a profile has no patterns: name the keys of ${name}`);
    else this.#add(withMore(entryOf(name, line.slice(equals + 1).trim(), optional), this.#more));
    this.#more = undefined;
  }
}

/** A name that is none is told later, with the others. */
function entryOf(name: string, value: string, optional: boolean): SysctlEntry {
  try {
    return plainEntry(name, value, optional);
  } catch {
    return { name, value };
  }
}

/** A sysctl.conf or a file of sysctl.d; what render wrote becomes the profile that it was. */
export function fromSysctlConf(text: string, name: string): Adopted {
  const reader = new Reader();
  for (const [index, line] of text.split('\n').entries()) reader.line(line.trim(), index + 1);
  const loose = acceptable({ entries: reader.loose, lost: reader.lost });
  const own = loose.entries.length > 0 ? [newProfile(name, loose)] : [];
  return { profiles: [...own, ...reader.profiles], lost: loose.lost };
}
