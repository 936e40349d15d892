import { afterEach, expect } from '@jest/globals';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

/** Sets 1 in a pid namespace of its own, and runs this in one below it. */
const belowOne = (inner: string): string =>
  `unshare --pid --fork --mount-proc sh -c 'cat /proc/sys/vm/memfd_noexec; echo 1 > /proc/sys/vm/memfd_noexec; unshare --pid --fork --mount-proc sh -c "${inner}"'`;

suite('UTS, PID and user namespaces', () => {
  const places = new Places();
  afterEach(() => places.close());

  scenario(
    'uts: the names are copied from the creating namespace, and then its own',
    ['kernel.hostname', 'kernel.domainname'],
    async () => {
      const parent = await places.fresh('uts');
      await parent.ask(['put', 'kernel.hostname', 'parent\n'], ['put', 'kernel.domainname', 'example\n']);
      const child = await parent.inside('uts');
      expect(await child.ask(['get', 'kernel.hostname'], ['get', 'kernel.domainname'])).toEqual([
        'parent',
        'example',
      ]);
      expect(await child.puts('kernel.hostname', 'child')).toEqual(['OK', 'child']);
      expect(await parent.get('kernel.hostname')).toBe('parent');
    },
  );

  scenario(
    'pid: pid_max is 4194304 in a new namespace whatever the machine has, and its own',
    ['kernel.pid_max', 'Linux 6.14'],
    async () => {
      await borrowing(['kernel.pid_max'], async (set) => {
        set('kernel.pid_max', '4194303');
        const [one, other] = [await places.fresh('pid'), await places.fresh('pid')];
        expect(await one.get('kernel.pid_max')).toBe('4194304');
        expect(await one.puts('kernel.pid_max', '40000')).toEqual(['OK', '40000']);
        expect(await other.get('kernel.pid_max')).toBe('4194304');
        expect(await (await places.host()).get('kernel.pid_max')).toBe('4194303');
      });
    },
  );

  scenario(
    'pid: the last number that was given is that of the namespace',
    ['kernel.ns_last_pid'],
    async () => {
      const place = await places.fresh('pid');
      expect(Number(await place.get('kernel.ns_last_pid'))).toBeLessThan(100);
      expect(await place.puts('kernel.ns_last_pid', '5000')).toEqual(['OK', '5000']);
      expect(Number(await place.sh('echo $$'))).toBeGreaterThan(5000);
    },
  );

  scenario(
    'pid: memfd_noexec comes from the parent, is never below it, and reads as the highest of both',
    ['vm.memfd_noexec'],
    async () => {
      const machine = await places.host();
      const [own] = await machine.ask(['get', 'vm.memfd_noexec']);
      expect(
        await machine.sh(
          belowOne(
            'cat /proc/sys/vm/memfd_noexec; echo 2 > /proc/sys/vm/memfd_noexec; cat /proc/sys/vm/memfd_noexec',
          ),
        ),
      ).toBe(`${own}\n1\n2`);
      expect(
        await machine.sh(
          belowOne('/bin/echo 0 > /proc/sys/vm/memfd_noexec || cat /proc/sys/vm/memfd_noexec'),
        ),
      ).toMatch(/^\d\n.*Invalid argument\n1$/);
      expect(await machine.get('vm.memfd_noexec')).toBe(own);
    },
  );

  const USER = [
    'cgroup',
    'fanotify_groups',
    'fanotify_marks',
    'inotify_instances',
    'inotify_watches',
    'ipc',
    'mnt',
    'net',
    'pid',
    'time',
    'user',
    'uts',
  ].map((what) => `user.max_${what}${/_/.test(what) ? '' : '_namespaces'}`);
  scenario('user: the twelve limits are 2147483647 in a new namespace and its own', USER, async () => {
    const machine = await places.host();
    const before = await machine.get('user.max_net_namespaces');
    const place = await places.fresh('user');
    const values = await place.ask(...USER.map((name): ['get', string] => ['get', name]));
    expect(new Set(values)).toEqual(new Set(['2147483647']));
    expect(await place.puts('user.max_net_namespaces', '7')).toEqual(['OK', '7']);
    expect(await machine.get('user.max_net_namespaces')).toBe(before);
    expect(USER.filter((name) => entryOf(name)?.namespace !== 'user')).toEqual([]);
  });

  scenario(
    "user: the machine's own limits can be written with CAP_SYS_RESOURCE only",
    ['user.max_net_namespaces'],
    async () => {
      const machine = await places.host();
      const before = await machine.get('user.max_net_namespaces');
      const writes = await machine.sh(
        `setpriv --bounding-set=-sys_resource /bin/sh -c '/bin/echo ${before} > /proc/sys/user/max_net_namespaces'; true`,
      );
      expect(writes).toMatch(/Permission denied/);
    },
  );

  scenario(
    'fs.inotify and fs.fanotify are other names of limits of the first user namespace',
    ['fs.inotify.max_user_instances', 'user.max_inotify_instances'],
    async () => {
      await borrowing(['fs.inotify.max_user_instances'], async (set) => {
        const machine = await places.host();
        const raised = String(Number(await machine.get('fs.inotify.max_user_instances')) + 1);
        set('fs.inotify.max_user_instances', raised);
        expect(await machine.get('user.max_inotify_instances')).toBe(raised);
        const inside = await places.fresh('user');
        expect(
          await inside.ask(['get', 'fs.inotify.max_user_instances'], ['get', 'user.max_inotify_instances']),
        ).toEqual([raised, '2147483647']);
      });
    },
  );

  const GLOBAL = [
    'kernel.keys.maxkeys',
    'kernel.random.poolsize',
    'vm.swappiness',
    'vm.max_map_count',
    'fs.file-max',
    'fs.nr_open',
  ];
  scenario(
    'keys, random, vm and fs are one for the whole machine: every namespace shows its value',
    GLOBAL.slice(2),
    async () => {
      const names = GLOBAL.filter((name) => entryOf(name));
      await borrowing(['vm.swappiness', 'vm.max_map_count'], async (set) => {
        set('vm.swappiness', '61');
        set('vm.max_map_count', '262145');
        const probes = names.map((name): ['get', string] => ['get', name]);
        const machine = await (await places.host()).ask(...probes);
        expect(machine).toEqual(expect.arrayContaining(['61', '262145']));
        expect(await (await places.fresh('net', 'ipc', 'uts', 'pid')).ask(...probes)).toEqual(machine);
        expect(await (await places.fresh('user')).ask(...probes)).toEqual(machine);
      });
      expect(names.map((name) => entryOf(name)?.namespace)).toEqual(names.map(() => 'none'));
    },
  );
});
