import { rules, type Finding, type RuleId } from './rules.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';
const HELP = 'https://sysctl-operator.dev/docs/cli#lint';

const uri = (file: string): string => encodeURI(file === '-' ? 'stdin' : file.replace(/^\.\//, ''));

function result({ file, line, column, endLine, endColumn, severity, rule, message }: Finding, index: number) {
  return {
    ruleId: rule,
    ruleIndex: index,
    level: severity,
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uri(file) },
          region: { startLine: line, startColumn: column, endLine, endColumn },
        },
      },
    ],
  };
}

const describe = (id: RuleId) => ({
  id,
  shortDescription: { text: rules[id][1] },
  defaultConfiguration: { level: rules[id][0] },
});

/** SARIF 2.1.0, as code hosts take it to show findings beside the lines of a change. */
export function sarifReport(findings: readonly Finding[]): string {
  const used = [...new Set(findings.map(({ rule }) => rule))].toSorted();
  const run = {
    tool: { driver: { name: 'kubectl-sysctl', informationUri: HELP, rules: used.map(describe) } },
    columnKind: 'utf16CodeUnits',
    results: findings.map((finding) => result(finding, used.indexOf(finding.rule))),
  };
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`;
}
