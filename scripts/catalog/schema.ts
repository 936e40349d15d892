/** Checks one value and gives it back typed; throws with the place of what is wrong. */
export type Check<T> = (value: unknown, at: string) => T;

const wrong = (at: string, what: string, value: unknown): never => {
  throw new Error(`${at}: ${what}, not ${JSON.stringify(value)}`);
};

export const text: Check<string> = (value, at) =>
  typeof value === 'string' && value !== '' ? value : wrong(at, 'must be a text', value);

export const integer: Check<number> = (value, at) =>
  Number.isSafeInteger(value) ? (value as number) : wrong(at, 'must be an integer', value);

export const yes: Check<true> = (value, at) => (value === true ? true : wrong(at, 'must be true', value));

export const oneOf =
  <const T extends string>(...values: readonly T[]): Check<T> =>
  (value, at) =>
    values.find((one) => one === value) ?? wrong(at, `must be one of ${values.join(', ')}`, value);

export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value, at) =>
    value === null ? null : check(value, at);

/** The first check that passes; its message is the last one's. */
export const either =
  <A, B>(first: Check<A>, second: Check<B>): Check<A | B> =>
  (value, at) => {
    try {
      return first(value, at);
    } catch {
      return second(value, at);
    }
  };

export const list =
  <T>(check: Check<T>): Check<T[]> =>
  (value, at) =>
    Array.isArray(value)
      ? value.map((item, index) => check(item, `${at}[${index}]`))
      : wrong(at, 'must be a list', value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const map =
  <T>(check: Check<T>): Check<Record<string, T>> =>
  (value, at) =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, check(item, `${at} ${key}`)]))
      : wrong(at, 'must be a map', value);

type Fields = Record<string, Check<unknown>>;
type Values<F extends Fields> = { [K in keyof F]: ReturnType<F[K]> };

/** An object with these fields and no others, so that a misspelt field does not pass for one left out. */
export const object =
  <R extends Fields, O extends Fields>(required: R, optional: O): Check<Values<R> & Partial<Values<O>>> =>
  (value, at) => {
    if (!isObject(value)) return wrong(at, 'must be an object', value);
    const checks: Fields = { ...required, ...optional };
    for (const key of Object.keys(value))
      if (!checks[key]) wrong(at, `does not have the field ${key}`, value);
    for (const key of Object.keys(required)) if (!(key in value)) wrong(at, `needs the field ${key}`, value);
    const fields = Object.entries(value).map(([key, item]) => [key, checks[key]?.(item, `${at} ${key}`)]);
    return Object.fromEntries(fields) as Values<R> & Partial<Values<O>>;
  };
