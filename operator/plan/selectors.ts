import type { LabelSelector, LabelSelectorRequirement } from '../api/profile.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;

type Holds = (value: string | undefined, listed: ReadonlySet<string>) => boolean;

const OPERATORS: Record<LabelSelectorRequirement['operator'], Holds> = {
  In: (value, listed) => value !== undefined && listed.has(value),
  NotIn: (value, listed) => value === undefined || !listed.has(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

function compileRequirement({ key, operator, values = [] }: LabelSelectorRequirement): LabelMatcher {
  const listed = new Set(values);
  const holds = OPERATORS[operator];
  return (labels) => holds(labels[key], listed);
}

/** metav1.LabelSelector: everything must hold; an empty selector matches every node; NotIn holds where the label is absent. */
export function compileSelector(selector: LabelSelector): LabelMatcher {
  const requirements = (selector.matchExpressions ?? []).map(compileRequirement);
  const pairs = Object.entries(selector.matchLabels ?? {});
  return (labels) =>
    pairs.every(([key, value]) => labels[key] === value) && requirements.every((holds) => holds(labels));
}
