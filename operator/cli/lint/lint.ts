import { judgeCommand } from './judge-command.ts';
import { judgeConf } from './judge-conf.ts';
import { judgePattern } from './judge-pattern.ts';
import { judgePod } from './judge-pod.ts';
import { judgeProfile } from './judge-profile.ts';
import { readConf } from './read-conf.ts';
import { Report } from './report.ts';
import type { Finding } from './rules.ts';
import { Source } from './source.ts';
import { noSubjects, type AllowedPattern, type ProfileSubject, type Subjects } from './subjects.ts';

export interface InputFile {
  name: string;
  text: string;
}

const CONF_LINE = /^\s*-?[\w./*@+-]+\s*=/m;
const YAML_LINE = /^\s*(apiVersion|kind|metadata|spec|[\w.-]+)\s*:(\s|$)|^\s*[{[]|^---/m;

/** Drop-ins of the kubelet are called *.conf too, so the text decides where the name does not. */
export function isYaml({ name, text }: InputFile): boolean {
  if (/\.(ya?ml|json)$/i.test(name)) return true;
  if (/^\s*(apiVersion|kind)\s*:/m.test(text)) return true;
  return !CONF_LINE.test(text) && YAML_LINE.test(text.replace(/^\s*[#;].*$/gm, ''));
}

/** What a profile's entries, besides its patterns, bring to the kubelets. */
const allowedBy = ({ source, name, nameSpan, resolved }: ProfileSubject): AllowedPattern[] =>
  resolved.patterns.map((pattern) => ({ source, pattern, span: nameSpan, profile: name }));

function judge(subjects: Subjects, report: Report): void {
  const patterns = [...subjects.patterns, ...subjects.profiles.flatMap(allowedBy)];
  for (const profile of subjects.profiles) judgeProfile(profile, report);
  for (const pod of subjects.pods) judgePod(pod, patterns, report);
  for (const pattern of subjects.patterns) judgePattern(pattern, report);
  for (const command of subjects.commands) judgeCommand(command, report);
  for (const conf of subjects.confs) judgeConf(conf, report);
}

/** Lines that are comments become empty: the parser would take as long for each as for an entry, and no place moves. */
const withoutComments = (text: string): string => text.replace(/^[ \t]*#.*$/gm, '');

/** All findings in these files, which are looked at together: what a profile in one allows, a pod in another may use. */
export async function lintFiles(files: readonly InputFile[]): Promise<Finding[]> {
  const report = new Report();
  const subjects = noSubjects();
  // Loading a YAML parser takes as long as everything else together.
  const yaml = files.some(isYaml) ? await import('./read-yaml.ts') : undefined;
  for (const { name, text } of files) {
    if (yaml && isYaml({ name, text }))
      yaml.readYaml(new Source(name, withoutComments(text)), subjects, report);
    else readConf(new Source(name, text), subjects, report);
  }
  judge(subjects, report);
  return report.sorted(files.map(({ name }) => name));
}
