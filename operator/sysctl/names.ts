import { OperatorError } from '../errors.ts';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_@+-]*([./][A-Za-z0-9_@+-]+)+$/;
const MAX_LENGTH = 253;

const swapSeparators = (name: string): string => name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));

/**
 * The spelling with a dot as first separator: net/ipv4/conf/eth0.100/rp_filter becomes net.ipv4.conf.eth0/100.rp_filter. The first
 * separator decides which of the two is the path's (sysctl.d(5)). Throws InvalidName.
 */
export function normalizeName(name: string): string {
  if (name.length > MAX_LENGTH || !NAME.test(name))
    throw new OperatorError(
      'InvalidName',
      `"${name}" is not a sysctl name as in sysctl.d(5), such as vm.max_map_count`,
    );
  return /^[^./]*\//.test(name) ? swapSeparators(name) : name;
}

/** The path below /proc/sys: net/ipv4/conf/eth0.100/rp_filter. No part of it is empty, "." or "..": the name rule sees to that. */
export const procPath = (name: string): string => swapSeparators(normalizeName(name));
