/**
 * The tree of a commit as a zip, for CodePipeline's source action. AWS's roles for pipelines grant `UploadArchive` and
 * `GetUploadArchiveStatus`, which its public model does not describe; here they are one call, which only other services
 * can make (the wire routes by the model) and which needs the grants of both.
 * Source: CodePipeline User Guide, "CodeCommit source action reference".
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { operation } from '../service.ts';
import { resolveCommit } from './commits.ts';
import { type BareRepository, GitError } from './git.ts';
import { onRepository, openRepository } from './repository.ts';

/** The files as they are committed: what a `.gitattributes` says about exports, line ends and filters does not apply. */
const ATTRIBUTES = '* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n';

export const uploadArchive = operation<{ repositoryName?: string; commitId?: string }, { archive: Readable }>({
  authorize: (input, call) => [
    ...onRepository('UploadArchive')(input, call),
    ...onRepository('GetUploadArchiveStatus')(input, call),
  ],
  async handle(input, call) {
    const { git } = await openRepository(call, input.repositoryName);
    const commit = await resolveCommit(git, input.commitId ?? 'HEAD');
    await mkdir(join(git.path, 'info'), { recursive: true });
    await writeFile(join(git.path, 'info', 'attributes'), ATTRIBUTES);
    return { archive: Readable.from(archiveOf(git, commit.id), { objectMode: false }) };
  },
});

/** Entries carry the time of the commit: the same commit makes the same bytes. Fails when git does. */
async function* archiveOf(git: BareRepository, commitId: string): AsyncGenerator<Uint8Array> {
  const args = ['--git-dir', git.path, 'archive', '--format=zip', commitId];
  const child = spawn('git', args, { env: { ...git.env, TZ: 'UTC' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8').slice(0, 4_096)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  ended.catch(() => {}); // reported below, unless the reader has gone
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const exitCode = await ended;
    if (exitCode !== 0) throw new GitError(['archive'], { exitCode, stdout: Buffer.alloc(0), stderr });
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL');
  }
}
