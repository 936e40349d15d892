import { afterEach, expect } from '@jest/globals';
import * as fc from 'fast-check';
import { canonicalValue, checkShape, sameValue } from '../../operator/sysctl/values.ts';
import { Places } from './support/place.ts';
import type { Probe } from './support/prober.ts';
import { scenario, suite } from './support/scenario.ts';

const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n }),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
  fc.integer({ min: -3, max: 70_000 }),
);
const spelled = number.chain((n) => {
  const [sign, size] = n < 0n ? ['-', -BigInt(n)] : ['', BigInt(n)];
  return fc.constantFrom(
    `${n}`,
    `${sign}0x${size.toString(16)}`,
    `${sign}0${size.toString(8)}`,
    `0${n}`,
    `+${n}`,
    `${n}k`,
  );
});
const blank = fc.constantFrom(' ', '\t', '  ', ',', '\v');
const tuple = fc
  .tuple(fc.array(fc.tuple(spelled, blank), { maxLength: 5 }), spelled)
  .map(([head, last]) => head.flat().join('') + last);
const soup = (letters: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...letters.split('')), maxLength: 14 });
const text = fc.string({ unit: 'binary', maxLength: 70 }).filter((t) => t.trim() !== '');

const KEYS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'net.ipv4.tcp_keepalive_time': fc.oneof(spelled, tuple, soup('0189xX-+ ')),
  'net.ipv4.conf.lo.tag': fc.oneof(spelled, soup('01x- \t')),
  'net.ipv4.ip_default_ttl': spelled,
  'net.ipv4.ip_unprivileged_port_start': spelled,
  'net.core.somaxconn': spelled,
  'net.ipv4.tcp_rmem': tuple,
  'net.ipv4.ip_local_port_range': tuple,
  'net.ipv4.ping_group_range': tuple,
  'net.ipv4.icmp_ratelimit': fc.oneof(spelled, fc.nat(100_000).map(String)),
  'net.ipv4.neigh.lo.locktime': fc.oneof(fc.nat(1_000_000).map(String), fc.integer({ max: -10 }).map(String)),
  'net.ipv6.neigh.lo.retrans_time': fc.nat(1_000_000).map(String),
  'net.ipv6.conf.lo.mldv1_unsolicited_report_interval': fc.nat(1_000_000).map(String),
  'net.ipv4.ip_local_reserved_ports': fc.oneof(soup('0123456789,,--x '), soup('0123,-')),
  'net.ipv6.icmp.ratemask': soup('0123,-'),
  'net.core.rps_default_mask': soup('0013, xf'),
  'net.ipv4.tcp_fastopen_key': fc.oneof(
    fc
      .array(fc.nat(2 ** 31), { minLength: 3, maxLength: 5 })
      .map((parts) => parts.map((part) => part.toString(16)).join('-')),
    soup('0aF-,x'),
  ),
  'net.ipv6.conf.lo.stable_secret': fc.oneof(fc.ipV6(), soup('0aF:.'), soup('1::.')),
  'net.bridge.bridge-nf-call-iptables': spelled,
  'kernel.sem': tuple,
  'kernel.msgmax': spelled,
  'kernel.shmmax': spelled,
  'kernel.shm_rmid_forced': spelled,
  'fs.mqueue.msg_max': spelled,
  'kernel.hostname': text,
  'kernel.domainname': fc.oneof(text, spelled),
};
const EACH = 300;

suite('any value, given to the kernel and to the operator', () => {
  const places = new Places();
  afterEach(() => places.close());

  for (const [name, values] of Object.entries(KEYS))
    scenario(
      `${name}: what passes is what is read afterwards or refused as a whole; what is refused does not work`,
      [name],
      async () => {
        const place = await places.fresh('net', 'ipc', 'uts');
        const cases = fc.sample(values, EACH);
        const answers = await place.ask(
          ...cases.flatMap((value): Probe[] => [
            ['get', name],
            ['put', name, `${value}\n`],
            ['get', name],
          ]),
        );
        const wrong = cases.flatMap((value, i) => {
          const [before = '', said = '', live = ''] = answers.slice(3 * i, 3 * i + 3);
          const problem = checkShape(name, value, before);
          const took = said === 'OK' && sameValue(name, value, live.trimEnd());
          // Of a mask with CPUs that the machine does not have the others stay: that is said by reading it back.
          const fine = problem ? !took : took || said === 'EOVERFLOW' || (said !== 'OK' && live === before);
          return fine ? [] : [{ value, canonical: canonicalValue(name, value), problem, said, before, live }];
        });
        expect(wrong.slice(0, 3)).toEqual([]);
      },
    );
});
