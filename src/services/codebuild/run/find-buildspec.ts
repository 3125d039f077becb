/**
 * Finds, reads and parses a build's buildspec: inline text, a path in the primary source, or the ARN of an S3 object;
 * `buildspec.yml` when nothing is said. Scalars stay texts as they stand in the file. Throws `PhaseFailure`.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { LineCounter, parseDocument } from 'yaml';
import { isAwsError } from '../../../common/index.ts';
import { type Buildspec, type Path, readBuildspec } from '../../../core/buildspec/index.ts';
import type { Client } from '../../service.ts';
import { isInline, splitS3Location } from '../project-rules.ts';
import { PhaseFailure } from './phase-failure.ts';

const MAX_BYTES = 1024 * 1024;

export type FoundBuildspec = Readonly<{ buildspec: Buildspec; /** As the log tells it. */ location: string }>;

export async function findBuildspec(
  given: string | undefined,
  sourceDir: string,
  client: () => Promise<Client>,
): Promise<FoundBuildspec> {
  const { text, location } = await readText(given, sourceDir, client);
  return { buildspec: parseBuildspec(text), location };
}

export function parseBuildspec(text: string): Buildspec {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, merge: true, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new PhaseFailure('YAML_FILE_ERROR', `${problem.message} at line ${lines.linePos(problem.pos[0]).line}`);
  }
  const lineOf = (path: Path): number | undefined => {
    const node = document.getIn([...path], true) as { range?: [number, number, number] | null } | undefined;
    return node?.range == null ? undefined : lines.linePos(node.range[0]).line;
  };
  let parsed: unknown;
  try {
    parsed = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new PhaseFailure('YAML_FILE_ERROR', error instanceof Error ? error.message : String(error));
  }
  const result = readBuildspec(parsed, lineOf);
  if ('error' in result) throw new PhaseFailure('YAML_FILE_ERROR', result.error);
  return result.buildspec;
}

async function readText(
  given: string | undefined,
  sourceDir: string,
  client: () => Promise<Client>,
): Promise<{ text: string; location: string }> {
  if (given !== undefined && isInline(given))
    return { text: given, location: 'the buildspec of the project or the build' };
  if (given?.startsWith('arn:') === true) return { text: await readFromS3(given, client), location: given };
  const file = resolve(sourceDir, given === undefined || given === '' ? 'buildspec.yml' : given);
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES)
      throw new PhaseFailure('YAML_FILE_ERROR', `${file}: the buildspec is larger than ${MAX_BYTES} bytes`);
    return { text: bytes.toString('utf8'), location: file };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new PhaseFailure('YAML_FILE_ERROR', `stat ${file}: no such file or directory`);
    if (code === 'EISDIR') throw new PhaseFailure('YAML_FILE_ERROR', `read ${file}: is a directory`);
    throw error;
  }
}

async function readFromS3(arn: string, client: () => Promise<Client>): Promise<string> {
  const place = arn.startsWith('arn:aws:s3:::') ? splitS3Location(arn) : undefined;
  if (place === undefined) throw new PhaseFailure('YAML_FILE_ERROR', `invalid buildspec ARN ${arn}`);
  try {
    const object = await (
      await client()
    ).call<{ Body?: Readable; ContentLength?: number }>('s3', 'GetObject', {
      Bucket: place.bucket,
      Key: place.key,
    });
    if (object.Body === undefined || (object.ContentLength ?? 0) > MAX_BYTES) {
      object.Body?.destroy();
      throw new PhaseFailure('YAML_FILE_ERROR', `${arn}: the buildspec is larger than ${MAX_BYTES} bytes`);
    }
    return (await buffer(object.Body)).toString('utf8');
  } catch (error) {
    if (isAwsError(error))
      throw new PhaseFailure('YAML_FILE_ERROR', `${error.code}: ${error.message} for buildspec ${arn}`);
    throw error;
  }
}
