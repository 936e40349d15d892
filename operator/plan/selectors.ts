import type { LabelSelector, LabelSelectorRequirement } from '../api/profile.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;

function compileRequirement({ key, operator, values = [] }: LabelSelectorRequirement): LabelMatcher {
  const set = new Set(values);
  switch (operator) {
    case 'In':
      return (labels) => labels[key] !== undefined && set.has(labels[key]);
    case 'NotIn':
      return (labels) => labels[key] === undefined || !set.has(labels[key]);
    case 'Exists':
      return (labels) => labels[key] !== undefined;
    case 'DoesNotExist':
      return (labels) => labels[key] === undefined;
  }
}

/** metav1.LabelSelector: everything must hold; an empty selector matches every node; NotIn holds where the label is absent. */
export function compileSelector(selector: LabelSelector): LabelMatcher {
  const requirements = (selector.matchExpressions ?? []).map(compileRequirement);
  const pairs = Object.entries(selector.matchLabels ?? {});
  return (labels) =>
    pairs.every(([key, value]) => labels[key] === value) && requirements.every((holds) => holds(labels));
}
