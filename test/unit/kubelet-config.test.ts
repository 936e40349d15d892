import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { listOf, merge, parseConfig, renderDropIn, withList } from '../../operator/agent/kubelet/config.ts';

const PATH = '/var/lib/kubelet/config.yaml';
const LIST = ['net.core.somaxconn', 'kernel.msg*'];
const file = (text: string, path = PATH): { path: string; text: string } => ({ path, text });
const HEAD = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
const LINES = 'allowedUnsafeSysctls:\n  - "net.core.somaxconn"\n  - "kernel.msg*"\n';

describe('reading a configuration', () => {
  test('takes YAML and JSON', () => {
    expect(listOf(file(`${HEAD}allowedUnsafeSysctls: [net.*]\n`))).toEqual(['net.*']);
    expect(parseConfig(file('{"port": 1, "allowedUnsafeSysctls": ["net.*"]}'))).toEqual({
      port: 1,
      allowedUnsafeSysctls: ['net.*'],
    });
  });

  test.each([
    ['empty', '', 'is not a KubeletConfiguration'],
    ['a list', '- a\n', 'is not a KubeletConfiguration'],
    ['text', 'hello', 'is not a KubeletConfiguration'],
    ['cut', 'a: [b', PATH],
    ['with the key twice', 'a: 1\na: 2\n', PATH],
    ['with a text for the list', 'allowedUnsafeSysctls: net.*\n', 'is not a list of names'],
    ['with numbers in the list', 'allowedUnsafeSysctls: [1]\n', 'is not a list of names'],
  ])('refuses one that is %s, and names the file', (_, text, message) => {
    expect(() => parseConfig(file(text))).toThrow(message);
    expect(() => parseConfig(file(text))).toThrow(PATH);
  });

  test.each<[string, string[], string[] | undefined]>([
    ['one file', ['[a]'], ['a']],
    ['a later list replaces, it does not add', ['[a]', '[b]', '[c]'], ['c']],
    ['a later empty list', ['[a]', '[]'], []],
    ['a later null takes it away', ['[a]', 'null'], undefined],
    ['a list after a null', ['[a]', 'null', '[b]'], ['b']],
  ])('of several files: %s', (_, lists, expected) => {
    const files = lists.map((list, i) => file(`allowedUnsafeSysctls: ${list}\n`, `/${i}.conf`));
    expect(merge([...files, file('port: 1\n', '/last.conf')])).toEqual({
      port: 1,
      ...(expected && { allowedUnsafeSysctls: expected }),
    });
  });
});

test('our drop-in says what the kubelet demands, and the list', () => {
  expect(parse(renderDropIn(LIST))).toEqual({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    allowedUnsafeSysctls: LIST,
  });
});

describe('the main file with another list keeps every other byte', () => {
  test.each([
    ['no list', `${HEAD}maxPods: 9\n`, `${HEAD}maxPods: 9\n${LINES}`],
    ['no list and no newline at its end', `${HEAD}maxPods: 9`, `${HEAD}maxPods: 9\n${LINES}`],
    [
      'a list in brackets, with a comment',
      `${HEAD}allowedUnsafeSysctls: [a, b] # ours\nmaxPods: 9\n`,
      `${HEAD}${LINES.trimEnd()} # ours\nmaxPods: 9\n`,
    ],
    [
      'a list line by line',
      `# top\n${HEAD}allowedUnsafeSysctls:\n- a\n- b\n\n# pods\nmaxPods: 9 # many\n`,
      `# top\n${HEAD}${LINES}\n# pods\nmaxPods: 9 # many\n`,
    ],
    ['an indented list at its end', `${HEAD}allowedUnsafeSysctls:\n    - 'a'\n`, `${HEAD}${LINES}`],
    ['an empty list', `${HEAD}allowedUnsafeSysctls: []\nmaxPods: 9\n`, `${HEAD}${LINES}maxPods: 9\n`],
    ['null', `${HEAD}allowedUnsafeSysctls: null\nmaxPods: 9\n`, `${HEAD}${LINES}maxPods: 9\n`],
    [
      'nothing after the key',
      `${HEAD}allowedUnsafeSysctls:\nmaxPods: 9\n`,
      `${HEAD}${LINES.trimEnd()}\nmaxPods: 9\n`,
    ],
    [
      'the list first',
      `allowedUnsafeSysctls: [a]\nkind: KubeletConfiguration\n`,
      `${LINES}kind: KubeletConfiguration\n`,
    ],
    ['a document marker', `---\n${HEAD}maxPods: 9\n`, `---\n${HEAD}maxPods: 9\n${LINES}`],
    ['a text block at its end', `${HEAD}x: |\n  y\n`, `${HEAD}x: |\n  y\n${LINES}`],
    ['a key in quotes', `${HEAD}"allowedUnsafeSysctls": [a]\n`, `${HEAD}${LINES}`],
  ])('of one with %s', (_, before, after) => {
    expect(withList(file(before), LIST)).toBe(after);
  });

  test.each([
    ['JSON', '{"kind":"KubeletConfiguration","allowedUnsafeSysctls":["a"],"maxPods":9}'],
    ['JSON without the list', '{"kind":"KubeletConfiguration","maxPods":9}'],
    ['JSON on many lines', '{\n  "kind": "KubeletConfiguration",\n  "maxPods": 9\n}\n'],
    ['YAML with an end marker', 'kind: KubeletConfiguration\nmaxPods: 9\n...\n'],
    ['YAML with an indented top level', '  kind: KubeletConfiguration\n  maxPods: 9\n'],
    ['lines that end in CRLF', 'kind: KubeletConfiguration\r\nallowedUnsafeSysctls: [a]\r\nmaxPods: 9\r\n'],
    ['a byte order mark', '\u{FEFF}kind: KubeletConfiguration\nallowedUnsafeSysctls:\n- a\nmaxPods: 9\n'],
    ['a list by reference', 'x: &l [a]\nkind: KubeletConfiguration\nallowedUnsafeSysctls: *l\nmaxPods: 9\n'],
  ])('says the same otherwise where it is %s', (_, before) => {
    const { x, ...rest } = parse(before) as Record<string, unknown>;
    expect(parse(withList(file(before), LIST))).toEqual({
      ...rest,
      ...(x !== undefined && { x }),
      allowedUnsafeSysctls: LIST,
    });
  });

  test('and is not changed at all where something else would change with it', () => {
    const shared = 'kind: KubeletConfiguration\nallowedUnsafeSysctls: &l [a]\nother: *l\n';
    expect(() => withList(file(shared), LIST)).toThrow(
      `${PATH}: allowedUnsafeSysctls cannot be changed alone`,
    );
  });

  test.each([
    ['the same list in any layout', `${HEAD}allowedUnsafeSysctls: [ a,  'b' ]   # x\n`, ['a', 'b']],
    ['no list, none wanted', HEAD, []],
    ['no list, the key unwanted', HEAD, undefined],
    ['null, none wanted', `${HEAD}allowedUnsafeSysctls:   ~\n`, []],
  ])('is the very same text with %s', (_, text, list) => {
    expect(withList(file(text), list)).toBe(text);
  });

  test.each([
    ['in brackets', `${HEAD}allowedUnsafeSysctls: [a] # ours\nmaxPods: 9\n`],
    ['line by line', `${HEAD}allowedUnsafeSysctls:\n  - "a"\n  - "b"\nmaxPods: 9\n`],
    ['that is null', `${HEAD}allowedUnsafeSysctls:\nmaxPods: 9\n`],
    ['at the end', `${HEAD}maxPods: 9\nallowedUnsafeSysctls:\n- a\n`],
    ['at the end without a newline', `${HEAD}maxPods: 9\nallowedUnsafeSysctls: [a]`],
  ])('loses the key with a list %s', (_, text) => {
    expect(withList(file(text), undefined)).toBe(`${HEAD}maxPods: 9\n`);
  });

  test('loses the key in JSON too', () => {
    expect(parse(withList(file('{"maxPods":9,"allowedUnsafeSysctls":["a"]}'), undefined))).toEqual({
      maxPods: 9,
    });
  });

  test.each(['', 'a: [b', '- a\n'])('refuses what is no configuration: %j', (text) => {
    expect(() => withList(file(text), LIST)).toThrow(PATH);
  });
});
