/**
 * Source / CodeCommit: the tree at the head of a branch, as a zip. AWS fetches it by `UploadArchive` and
 * `GetUploadArchiveStatus`, two actions that its role policies name and its public model does not; Sluice's CodeCommit
 * answers to the first for other services and checks the grants of both.
 * Source: User Guide, "CodeCommit source action reference".
 */
import type { Readable } from 'node:stream';
import type { GetBranchOutput, GetCommitOutput } from '@aws-sdk/client-codecommit';
import { isAwsError, isoSeconds } from '../../../common/index.ts';
import type { Client } from '../../service.ts';
import { isDenial } from '../artifacts.ts';
import { ActionFailure, type ActionProvider } from './action.ts';

/** Source: User Guide, "Variables reference": the commit message is cut at 100 KB. */
const MESSAGE_BYTES = 100 * 1024;

export const codeCommitSource: ActionProvider = {
  async start(run) {
    const { RepositoryName: repositoryName = '', BranchName: branchName = '' } = run.configuration;
    const client = wordedFor(await run.client(), repositoryName);
    const override = run.pipelineExecution.sourceRevisions.find(
      (candidate) => candidate.actionName === run.declaration.name && candidate.revisionType === 'COMMIT_ID',
    );
    const commitId = override?.revisionValue ?? (await headOf(client, repositoryName, branchName));
    const { commit = {} } = await client.call<GetCommitOutput>('codecommit', 'GetCommit', { repositoryName, commitId });
    const { archive } = await client.call<{ archive: Readable }>('codecommit', 'UploadArchive', {
      repositoryName,
      commitId,
    });
    const [output] = run.artifacts.outputPlaces();
    const artifact = await run.artifacts.put(output?.name ?? '', archive).catch((error: unknown) => {
      if (!(error instanceof ActionFailure) || error.code !== 'PermissionError') throw error;
      throw new ActionFailure(
        error.code,
        `The process to upload the contents of the AWS CodeCommit repository failed. Error: ${error.message}`,
      );
    });
    const message = cut(commit.message ?? '');
    const authorAt = gitDate(commit.author?.date);
    return {
      type: 'Succeeded',
      outputs: [artifact],
      report: {
        externalExecutionId: commitId,
        externalExecutionSummary: message.slice(0, 2048),
        summary: message.slice(0, 2048),
      },
      variables: {
        ...(authorAt === undefined ? {} : { AuthorDate: isoSeconds(authorAt) }),
        BranchName: branchName,
        CommitId: commitId,
        CommitMessage: message,
        ...dated('CommitterDate', gitDate(commit.committer?.date)),
        RepositoryName: repositoryName,
      },
      revision: {
        id: commitId,
        summary: message.slice(0, 2048),
        url: `https://${run.region}.console.aws.amazon.com/codecommit/home#/repository/${repositoryName}/commit/${commitId}`,
        ...(authorAt === undefined ? {} : { createdAt: authorAt }),
      },
    };
  },

  async *foresee({ run, call, write }) {
    const { RepositoryName: repositoryName = '', BranchName: branchName = '' } = run.configuration;
    // Whatever its id: the repository is what is asked for.
    const commitId = '0'.repeat(40);
    yield call('codecommit', 'GetBranch', { repositoryName, branchName }, 'find the head of the branch');
    yield call('codecommit', 'GetCommit', { repositoryName, commitId }, 'read the commit');
    yield call('codecommit', 'UploadArchive', { repositoryName, commitId }, 'fetch the tree of the commit');
    yield write(run.artifacts.outputPlaces()[0]?.name ?? '');
  },
};

/** The repository's denials in the words of the action. */
function wordedFor(client: Client, repositoryName: string): Client {
  return {
    ...client,
    call: async <Output>(service: string, operation: string, input: object) =>
      client.call<Output>(service, operation, input).catch((error: unknown) => {
        if (!isDenial(error)) throw error;
        throw new ActionFailure(
          'PermissionError',
          `The service role or action role doesn’t have the permissions required to access the AWS CodeCommit repository named ${repositoryName}. Update the IAM role permissions, or update the action configuration, and then try again. Error: ${error.message}`,
        );
      }),
  };
}

/** The commit at the head of the branch; null: there is no such branch. */
export async function codeCommitRevision(
  client: Client,
  configuration: Readonly<Record<string, string>>,
): Promise<string | null> {
  try {
    const { branch } = await client.call<GetBranchOutput>('codecommit', 'GetBranch', {
      repositoryName: configuration['RepositoryName'],
      branchName: configuration['BranchName'],
    });
    return branch?.commitId ?? null;
  } catch (error) {
    if (isAwsError(error, 'BranchDoesNotExistException') || isAwsError(error, 'RepositoryDoesNotExistException'))
      return null;
    throw error;
  }
}

async function headOf(client: Client, repositoryName: string, branchName: string): Promise<string> {
  const commitId = await codeCommitRevision(client, { RepositoryName: repositoryName, BranchName: branchName });
  if (commitId !== null) return commitId;
  throw new ActionFailure(
    'ConfigurationError',
    `The action failed because no branch named ${branchName} was found in the selected AWS CodeCommit repository ${repositoryName}. Make sure you are using the correct branch name, and then try again. Error: null`,
  );
}

/** `1700000000 +0100`, git's raw form, in milliseconds. */
function gitDate(raw: string | undefined): number | undefined {
  const seconds = Number(raw?.split(' ')[0]);
  return raw === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000;
}

function dated(key: string, at: number | undefined): Record<string, string> {
  return at === undefined ? {} : { [key]: isoSeconds(at) };
}

function cut(message: string): string {
  const bytes = Buffer.from(message.trimEnd());
  return bytes.length <= MESSAGE_BYTES ? message.trimEnd() : bytes.subarray(0, MESSAGE_BYTES).toString('utf8');
}
