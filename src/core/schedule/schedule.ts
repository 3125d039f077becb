/**
 * Schedules: `rate(5 minutes)` and AWS's six-field `cron(min hour dom month dow year)` in UTC.
 * Day of week is 1 to 7 with 1 = Sunday; one of day-of-month and day-of-week must be `?`.
 * Source: EventBridge User Guide, "Cron expressions" and "Rate expressions".
 */
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS } from '../../common/index.ts';

export type Schedule = Readonly<{ kind: 'Rate'; everyMs: number }> | Readonly<{ kind: 'Cron'; fields: CronFields }>;

type CronFields = Readonly<{
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  months: ReadonlySet<number>;
  years: ReadonlySet<number>;
  /** Whether a day (UTC year, month 1-12, day) is meant. */
  isDay(year: number, month: number, day: number): boolean;
}>;

/** Undefined: "Parameter ScheduleExpression is not valid." */
export function parseSchedule(text: string): Schedule | undefined {
  const rate = /^rate\((\d{1,9}) (minute|minutes|hour|hours|day|days)\)$/.exec(text);
  if (rate !== null) {
    const count = Number(rate[1]);
    const unit = rate[2] ?? '';
    if (count < 1 || unit.endsWith('s') !== (count !== 1)) return undefined;
    const unitMs = unit.startsWith('minute') ? MINUTE_MS : unit.startsWith('hour') ? HOUR_MS : DAY_MS;
    return { kind: 'Rate', everyMs: count * unitMs };
  }
  const cron = /^cron\((.*)\)$/.exec(text);
  const fields = cron?.[1]?.trim().split(/\s+/);
  if (fields === undefined || fields.length !== 6) return undefined;
  const compiled = compileCron(fields.map((field) => field.toUpperCase()));
  return compiled && { kind: 'Cron', fields: compiled };
}

/** The first instant after `after` at which the schedule fires; undefined: never again. A rate counts from `anchorAt`. */
export function nextFire(schedule: Schedule, after: EpochMs, anchorAt: EpochMs): EpochMs | undefined {
  if (schedule.kind === 'Rate')
    return anchorAt + (Math.floor((after - anchorAt) / schedule.everyMs) + 1) * schedule.everyMs;
  const { fields } = schedule;
  const startAt = Math.floor(after / MINUTE_MS + 1) * MINUTE_MS;
  const lastYear = Math.max(...fields.years);
  for (let day = Math.floor(startAt / DAY_MS) * DAY_MS; ; day += DAY_MS) {
    const date = new Date(day);
    const year = date.getUTCFullYear();
    if (year > lastYear) return undefined;
    if (!fields.years.has(year)) {
      day = Date.UTC(year, 11, 31);
      continue;
    }
    const month = date.getUTCMonth() + 1;
    if (!fields.months.has(month)) {
      day = Date.UTC(year, month, 0);
      continue;
    }
    if (!fields.isDay(year, month, date.getUTCDate())) continue;
    for (const hour of ascending(fields.hours)) {
      for (const minute of ascending(fields.minutes)) {
        const at = day + hour * HOUR_MS + minute * MINUTE_MS;
        if (at >= startAt) return at;
      }
    }
  }
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function compileCron(fields: readonly string[]): CronFields | undefined {
  const [minute = '', hour = '', dom = '', month = '', dow = '', year = ''] = fields;
  if ((dom === '?') === (dow === '?')) return undefined;
  const minutes = numbers(minute, 0, 59);
  const hours = numbers(hour, 0, 23);
  const months = numbers(named(month, MONTHS, 1), 1, 12);
  const years = numbers(year, 1970, 2199);
  const isDay = dow === '?' ? dayOfMonth(dom) : dayOfWeek(named(dow, DAYS, 1));
  if (
    minutes === undefined ||
    hours === undefined ||
    months === undefined ||
    years === undefined ||
    isDay === undefined
  )
    return undefined;
  return { minutes, hours, months, years, isDay };
}

function named(field: string, names: readonly string[], first: number): string {
  return field.replaceAll(/[A-Z]{3}/g, (name) => (names.includes(name) ? String(names.indexOf(name) + first) : name));
}

/** `*`, `5`, `1-5`, `0/15`, `1-30/5` and lists of them. */
function numbers(field: string, least: number, most: number): ReadonlySet<number> | undefined {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const [, from, to, step] = match;
    const start = from === undefined ? least : Number(from);
    const end = to !== undefined ? Number(to) : from === undefined || step !== undefined ? most : start;
    const by = step === undefined ? 1 : Number(step);
    if (start < least || end > most || by < 1) return undefined;
    if (start <= end) for (let value = start; value <= end; value += by) found.add(value);
    else {
      // FRI-MON style ranges wrap.
      for (let value = start; value <= most; value += by) found.add(value);
      for (let value = least; value <= end; value += by) found.add(value);
    }
  }
  return found.size === 0 ? undefined : found;
}

function dayOfMonth(field: string): CronFields['isDay'] | undefined {
  if (field === 'L') return (year, month, day) => day === lastDay(year, month);
  if (field === 'LW') return (year, month, day) => day === nearestWeekday(year, month, lastDay(year, month));
  const weekday = /^(\d{1,2})W$/.exec(field)?.[1];
  if (weekday !== undefined) {
    const wanted = Number(weekday);
    if (wanted < 1 || wanted > 31) return undefined;
    return (year, month, day) => wanted <= lastDay(year, month) && day === nearestWeekday(year, month, wanted);
  }
  const days = numbers(field, 1, 31);
  return days && ((_year, _month, day) => days.has(day));
}

function dayOfWeek(field: string): CronFields['isDay'] | undefined {
  const last = /^([1-7])?L$/.exec(field);
  if (last !== null) {
    const wanted = Number(last[1] ?? 7);
    return (year, month, day) => weekdayOf(year, month, day) === wanted && day + 7 > lastDay(year, month);
  }
  const nth = /^([1-7])#([1-5])$/.exec(field);
  if (nth !== null) {
    const [wanted, count] = [Number(nth[1]), Number(nth[2])];
    return (year, month, day) => weekdayOf(year, month, day) === wanted && Math.ceil(day / 7) === count;
  }
  const days = numbers(field, 1, 7);
  return days && ((year, month, day) => days.has(weekdayOf(year, month, day)));
}

/** 1 = Sunday. */
function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
}

function lastDay(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** The weekday nearest to the day, within its month. */
function nearestWeekday(year: number, month: number, day: number): number {
  const weekday = weekdayOf(year, month, day);
  if (weekday === 7) return day === 1 ? 3 : day - 1;
  if (weekday === 1) return day === lastDay(year, month) ? day - 2 : day + 1;
  return day;
}

function ascending(values: ReadonlySet<number>): number[] {
  return [...values].sort((a, b) => a - b);
}
