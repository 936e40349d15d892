import type { Match, SysctlEntry } from '../../api/profile.ts';
import { plainEntry } from '../sysctl-d-marks.ts';
import { acceptable, newProfile, type Adopted, type Settings } from './adopted.ts';

const BOUNDS: Record<string, Match> = { '>': 'AtLeast', '<': 'AtMost' };

/** TuneD writes "kernel.pid_max=>4194304" for "at least" and "=<" for "at most". */
function entryOf(name: string, text: string): SysctlEntry {
  const [, sign = '', value = text] = /^([<>])\s*(.+)$/.exec(text) ?? [];
  const match = BOUNDS[sign];
  const entry = plainEntry(name, value, false);
  return match ? { ...entry, match } : entry;
}

function readLine(line: string, section: string, settings: Settings, others: Set<string>): void {
  const [, name = '', value = ''] = /^([^=]+?)\s*=\s*(.*)$/.exec(line) ?? [];
  if (section === 'main' && name === 'include')
    settings.lost.push(`include=${value}: what that profile sets is not in this file: adopt it too`);
  if (section !== 'sysctl') {
    if (section !== 'main') others.add(section);
    return;
  }
  if (['type', 'enabled', 'replace', 'priority', 'devices'].includes(name)) return;
  if (value.includes('${'))
    settings.lost.push(`${name}: ${value} is known only to TuneD on the node: write the number`);
  else settings.entries.push(entryOf(name, value.replace(/^"(.*)"$/, '$1')));
}

/** tuned.conf of a TuneD profile, or the data of a Tuned object: its [sysctl] section. */
export function fromTuned(text: string, name: string): Adopted {
  const settings: Settings = { entries: [], lost: [] };
  const others = new Set<string>();
  let section = 'main';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    else if (line !== '' && !/^[#;]/.test(line)) readLine(line, section, settings, others);
  }
  if (others.size > 0) settings.lost.push(`sections that are no sysctls: ${[...others].join(', ')}`);
  const { entries, lost } = acceptable(settings);
  return { profiles: entries.length > 0 ? [newProfile(name, { entries, lost })] : [], lost };
}
