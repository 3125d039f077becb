/**
 * What a target receives: the event, a part of it (InputPath), fixed text (Input), or a template (InputTransformer).
 * In a template `<name>` stands for a value: unquoted inserts JSON (strings with quotes), inside a string inserts the raw
 * text, without characters that no text may hold; a path that is absent removes the variable. Source: EventBridge User Guide, "Input transformation".
 */
import { type Json, storableText } from '../../common/index.ts';

export type TargetInput = Readonly<{
  input?: string;
  inputPath?: string;
  transformer?: Readonly<{ paths: Readonly<Record<string, string>>; template: string }>;
}>;

export type Reserved = Readonly<{ ruleArn: string; ruleName: string; ingestionTime: string }>;

/** The text that the target is sent. */
export function inputFor(target: TargetInput, event: Json, reserved: Reserved): string {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(valueAt(event, target.inputPath) ?? {});
  if (target.transformer !== undefined) return fill(target.transformer, event, reserved);
  return JSON.stringify(event);
}

/** `$.detail.x`, `$.resources[0]`, `$.detail['a-b']`, `$`. Undefined: malformed, or nothing there. */
export function valueAt(event: Json, path: string): Json | undefined {
  const steps = parsePath(path);
  if (steps === undefined) return undefined;
  let current: Json | undefined = event;
  for (const step of steps) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, step)) return undefined;
    current = (current as Readonly<Record<string, Json>>)[step];
  }
  return current;
}

/** The steps of a JSON path of the subset that targets use; undefined when malformed. */
export function parsePath(path: string): string[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: string[] = [];
  const step = /\.([\w@-]+)|\[(\d+)\]|\['([^']+)'\]/y;
  step.lastIndex = 1;
  let end = 1;
  for (let match = step.exec(path); match !== null; match = step.exec(path)) {
    steps.push(match[1] ?? match[2] ?? match[3] ?? '');
    end = step.lastIndex;
  }
  return end === path.length ? steps : undefined;
}

function fill(transformer: NonNullable<TargetInput['transformer']>, event: Json, reserved: Reserved): string {
  const { detail: _detail, ...withoutDetail } = event as Record<string, Json>;
  const values: Record<string, Json | undefined> = {
    'aws.events.rule-arn': reserved.ruleArn,
    'aws.events.rule-name': reserved.ruleName,
    'aws.events.event.ingestion-time': reserved.ingestionTime,
    'aws.events.event': withoutDetail,
    'aws.events.event.json': event,
  };
  for (const [name, path] of Object.entries(transformer.paths)) values[name] = valueAt(event, path);
  return render(transformer.template, (name, inString) => {
    if (!Object.hasOwn(values, name)) return undefined;
    return inString ? asText(values[name]) : asJson(values[name]);
  });
}

/** Replaces each `<name>` by what `replace` says; undefined leaves it as it is. */
function render(template: string, replace: (name: string, inString: boolean) => string | undefined): string {
  let inString = false;
  let out = '';
  for (let i = 0; i < template.length; i++) {
    const character = template[i] ?? '';
    if (character === '\\' && inString) {
      out += character + (template[i + 1] ?? '');
      i += 1;
      continue;
    }
    if (character === '"') inString = !inString;
    const name = character === '<' ? /^<([\w.-]+)>/.exec(template.slice(i, i + 260))?.[1] : undefined;
    const value = name === undefined ? undefined : replace(name, inString);
    out += value ?? character;
    if (name !== undefined && value !== undefined) i += name.length + 1;
  }
  return out;
}

const RESERVED_NAMES = [
  'aws.events.rule-arn',
  'aws.events.rule-name',
  'aws.events.event.ingestion-time',
  'aws.events.event',
  'aws.events.event.json',
];

/** Whether a template is JSON, or lines each of which is (quoted sentences), once its names stand for values. */
export function isTemplate(template: string, names: readonly string[]): boolean {
  const filled = render(template, (name, inString) =>
    names.includes(name) || RESERVED_NAMES.includes(name) ? (inString ? '' : 'null') : undefined,
  );
  return isJson(filled) || filled.split('\n').every((line) => line.trim() === '' || isJson(line));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function asText(value: Json | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? storableText(value) : JSON.stringify(value);
}

function asJson(value: Json | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}
