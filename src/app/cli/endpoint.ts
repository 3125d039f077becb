/** How the commands reach a running server: `--endpoint`, its control paths, and signed AWS calls. */
import type { Command } from 'commander';
import { OptionError } from '../config.ts';

export const DEFAULT_ENDPOINT = 'http://127.0.0.1:4566';

export function withEndpoint(command: Command): Command {
  return command.option(
    '--endpoint <url>',
    'the server to speak to',
    process.env['AWS_ENDPOINT_URL'] ?? DEFAULT_ENDPOINT,
  );
}

/** A control request; a refusal becomes an error with the server's own words. */
export async function control<Answer>(
  endpoint: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(new URL(`/_sluice/${path}`, endpoint), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  } catch {
    throw new OptionError(`nothing answers at ${endpoint}; start a server with: sluice start`);
  }
  const answer = (await response.json().catch(() => ({}))) as Answer & { message?: string };
  if (!response.ok) throw new OptionError(answer.message ?? `${endpoint} answered ${response.status}`);
  return answer;
}

/** A question to the control endpoint. A refusal is told on stderr, with exit code 2; the answer is then undefined. */
export async function ask<Answer>(endpoint: string, path: string): Promise<Answer | undefined> {
  try {
    return await control<Answer>(endpoint, 'GET', path);
  } catch (error) {
    process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

/** For commands whose exit code 1 says something else than that they were called wrongly. */
export function usageExit({ exitCode }: Readonly<{ exitCode: number }>): never {
  process.exit(exitCode === 0 ? 0 : 2);
}
