import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ProcSys } from '../../operator/agent/kernel.ts';

const NAME = 'net.ipv4.conf.eth0/100.rp_filter';

/** A folder in place of /proc/sys; the real one is in the kernel suite. */
describe('kernel parameters below a root folder', () => {
  let root: string;
  let file: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sysctl-operator-proc-'));
    mkdirSync(join(root, 'net/ipv4/conf/eth0.100'), { recursive: true });
    mkdirSync(join(root, 'kernel/random'), { recursive: true });
    file = join(root, 'net/ipv4/conf/eth0.100/rp_filter');
    writeFileSync(file, '1\n');
    writeFileSync(join(root, 'kernel/random/boot_id'), '0b71c8f4-0000-4000-8000-000000000000\n');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('a name is the path with dots, and a dot in an interface is a slash', () => {
    expect(new ProcSys(root).read(NAME)).toBe('1');
  });

  test('a value is written with a newline', () => {
    new ProcSys(root).write(NAME, '2');
    expect(readFileSync(file, 'utf8')).toBe('2\n');
  });

  test('a missing key is ENOENT for reading and writing, and no file is made', () => {
    const kernel = new ProcSys(root);
    const missing = expect.objectContaining({ code: 'KernelRefused', errno: 'ENOENT' });
    expect(() => kernel.read('kernel.nope')).toThrow(missing);
    expect(() => kernel.write('kernel.nope', '1')).toThrow(missing);
    expect(() => readFileSync(join(root, 'kernel/nope'))).toThrow('ENOENT');
  });

  test('a name that leaves the folder is refused before anything is opened', () => {
    expect(() => new ProcSys(root).read('../etc/passwd')).toThrow(
      expect.objectContaining({ code: 'InvalidName' }),
    );
  });

  test('a file that is held open shows every change', () => {
    const kernel = new ProcSys(root);
    kernel.hold(new Set([NAME]));
    expect(kernel.read(NAME)).toBe('1');
    writeFileSync(file, '12345\n');
    expect(kernel.read(NAME)).toBe('12345');
    writeFileSync(file, '0\n');
    expect(kernel.read(NAME)).toBe('0');
  });

  test('a file is read through the one that was held, until it is no longer held', () => {
    const kernel = new ProcSys(root);
    kernel.hold(new Set([NAME]));
    kernel.read(NAME);
    writeFileSync(`${file}.new`, '7\n');
    renameSync(`${file}.new`, file);
    expect(kernel.read(NAME)).toBe('1');
    kernel.hold(new Set());
    expect(kernel.read(NAME)).toBe('7');
  });

  test('the boot is known by its id', () => {
    expect(new ProcSys(root).bootID()).toBe('0b71c8f4-0000-4000-8000-000000000000');
  });
});
