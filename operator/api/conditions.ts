/** metav1.Condition. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number;
  /** RFC 3339, UTC. */
  lastTransitionTime: string;
  reason: string;
  message: string;
}

export const conditionOf = (
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined => conditions?.find((c) => c.type === type);

/**
 * The wanted conditions with the lastTransitionTime of the old ones where the status did not change, so that
 * an unchanged state compares equal. Conditions that are no longer wanted fall away (kstatus: Reconciling and
 * Stalled are present only while true).
 */
export function mergeConditions(
  old: readonly Condition[] | undefined,
  wanted: readonly Omit<Condition, 'lastTransitionTime'>[],
  now: string,
): Condition[] {
  return wanted.map((w) => {
    const before = conditionOf(old, w.type);
    return { ...w, lastTransitionTime: before?.status === w.status ? before.lastTransitionTime : now };
  });
}
