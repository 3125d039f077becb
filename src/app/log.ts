/** The server's log: a line of JSON each, through pino. Never a secret: callers pass names and codes, not payloads. */
import { pino } from 'pino';
import type { Log } from '../services/index.ts';

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

export function jsonLog(level: 'info' | 'debug', file?: string): Log {
  const logger = pino({ level, base: undefined }, pino.destination({ dest: file ?? 2, sync: true }));
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}
