/** The guards of the house as functions of a file's path and text, so that each can be fed a wrong line. */
import { dirname, join, normalize } from 'node:path';

/** The rooms, from the top: imports point down, never up, and siblings never import each other. */
const LEVELS: Readonly<Record<string, number>> = {
  app: 0,
  services: 1,
  console: 2,
  engine: 3,
  store: 4,
  runtimes: 4,
  router: 4,
  protocol: 5,
  core: 6,
  common: 7,
};

/** Who may use the wire. */
const WIRE_USERS = ['app', 'services', 'protocol'];

export type Import = Readonly<{ from: string; to: string; line: number }>;

/** The relative imports of a file under `src/`, resolved against the repository. */
export function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    for (const match of line.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
      found.push({ from: path, to: normalize(join(dirname(path), match[1] ?? '')), line: index + 1 });
    }
  }
  return found;
}

/** What is wrong with an import; undefined when nothing is. */
export function wrongImport({ from, to, line }: Import): string | undefined {
  const [fromRoom, fromPart] = place(from);
  const [toRoom, toPart] = place(to);
  const say = (why: string): string => `${from}:${line} imports ${to}: ${why}`;
  if (toRoom === undefined)
    return to.startsWith('src/') || from.endsWith('.test.ts') ? undefined : say('it is outside src/');
  if (fromRoom === undefined) return undefined;
  if (fromRoom === toRoom) {
    const services = fromRoom === 'services' && fromPart !== undefined && toPart !== undefined && fromPart !== toPart;
    return services ? say('a service imports no other service') : undefined;
  }
  const [above = 0, below = 0] = [LEVELS[fromRoom], LEVELS[toRoom]];
  if (above > below) return say('imports point down, never up');
  if (above === below) return say('siblings never import each other');
  if (toRoom === 'protocol' && !WIRE_USERS.includes(fromRoom)) return say('the wire is for services and app alone');
  if (fromRoom === 'console' && toRoom !== 'common') return say('the console imports only common');
  if (!to.endsWith('/index.ts')) return say('a room is entered by its index.ts');
  return undefined;
}

/** Room, and within `services` and `core` the folder. */
function place(path: string): readonly [string | undefined, string | undefined] {
  const [src, room, part, rest] = path.split('/');
  if (src !== 'src' || room === undefined || LEVELS[room] === undefined) return [undefined, undefined];
  return [room, rest === undefined ? undefined : part];
}

/**
 * Lines that read the machine's clock or draw its random numbers outside `app`. The runtimes measure processes, which
 * live in the machine's time (docs/adr/0005), by the monotonic clock.
 */
export function clockReads(path: string, text: string): string[] {
  if (path.startsWith('src/app/')) return [];
  if (path.startsWith('src/runtimes/')) return linesWith(path, text, /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b/);
  return linesWith(
    path,
    text,
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\brandomUUID\b|\brandomBytes\b/,
  );
}

/** Lines that read the environment outside `app`. */
export function environmentReads(path: string, text: string): string[] {
  return path.startsWith('src/app/') ? [] : linesWith(path, text, /\bprocess\.env\b/);
}

/** SQL that asks the database for the time. */
export function databaseClockReads(path: string, text: string): string[] {
  return linesWith(
    path,
    text,
    /\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)(?=[^;]*['"`]|\s*(?:AT|,|\)))|CURRENT_TIMESTAMP/,
  );
}

export function starExports(path: string, text: string): string[] {
  return linesWith(path, text, /^\s*export \* from/);
}

function linesWith(path: string, text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, index) => {
    const code = line.replace(/\/\/.*$|^\s*\*.*$|\/\*.*?\*\//g, '');
    return pattern.test(code) ? [`${path}:${index + 1}: ${line.trim()}`] : [];
  });
}
