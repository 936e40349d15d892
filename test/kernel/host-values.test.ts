import { afterEach, expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

const KEY = 'net.core.optmem_max';
const HELPER = fileURLToPath(new URL('support/host-values.ts', import.meta.url));

suite('what a test borrows of the machine', () => {
  const places = new Places();
  afterEach(() => places.close());

  /** In a namespace of its own, which stands for the machine. */
  const runs = async (body: string): Promise<string> => {
    const place = await places.fresh('net');
    const program = `import { borrowing } from '${HELPER}'; await borrowing(['${KEY}'], async (set) => { set('${KEY}', '4321'); ${body} });`;
    const said = await place.sh(`'${process.execPath}' --input-type=module -e "${program}"; sleep 0.2`);
    return `${said.split('\n').at(-1)} ${await place.get(KEY)}`.trim();
  };

  scenario('is put back when the test is over', [KEY], async () => {
    expect(await runs(`console.log('over')`)).toBe('over 131072');
  });

  scenario('is put back when the test throws', [KEY], async () => {
    expect(await runs(`throw new Error('no')`)).toMatch(/ 131072$/);
  });

  scenario('is put back when the test is killed', [KEY], async () => {
    expect(await runs(`process.kill(process.pid, 'SIGKILL')`)).toMatch(/131072$/);
  });

  scenario('is nothing that was not named', [KEY], async () => {
    await expect(borrowing([], (set) => Promise.resolve(set(KEY, '1')))).rejects.toThrow(
      `${KEY} was not borrowed`,
    );
  });
});
