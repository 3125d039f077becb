/**
 * Build and Test / CodeBuild: starts a build whose source and artifacts are the action's, and looks at it until it ends.
 *
 * AWS hands artifacts over by the source and artifact types CODEPIPELINE, which its public API has no parameters for.
 * Differs from AWS: Sluice starts the build with S3 overrides that name the same objects, so that the build's own role
 * reads and writes them, as in AWS. The key of the artifact store is not passed on: as in AWS, the project's
 * `encryptionKey` encrypts what a build makes, and one that lacks it makes artifacts that no other account can read.
 * Source: User Guide, "AWS CodeBuild build and test action reference".
 */
import type { BatchGetBuildsOutput, StartBuildInput, StartBuildOutput } from '@aws-sdk/client-codebuild';
import { AwsError, isAwsError, SECOND_MS } from '../../../common/index.ts';
import { environmentVariables } from '../../../core/pipeline-definition/index.ts';
import type { Artifact, ArtifactPlace, ProviderReport } from '../../../core/pipeline-execution/index.ts';
import { ActionFailure, type ActionOutcome, type ActionProvider, type ActionRun } from './action.ts';

const POLL_AFTER_MS = 10 * SECOND_MS;

export const codeBuild: ActionProvider = {
  async start(run) {
    const inputs = await run.artifacts.inputs();
    for (const input of inputs) await run.artifacts.verify(input);
    const client = await run.client();
    const { build = {} } = await client
      .call<StartBuildOutput>('codebuild', 'StartBuild', startInput(run, inputs))
      .catch((error: unknown) => {
        if (!isAwsError(error, 'AccessDeniedException') && !isAwsError(error, 'AccountLimitExceededException'))
          throw error;
        // As the client library words it within CodePipeline.
        const { code, message, statusCode } = error;
        const words = `Error calling startBuild: ${message} (Service: AWSCodeBuild; Status Code: 400; Error Code: ${code})`;
        throw new AwsError(code, words, { ...(statusCode !== undefined && { statusCode }), cause: error });
      });
    return {
      type: 'Running',
      report: { externalExecutionId: build.id, externalExecutionUrl: urlOf(run, build.id ?? '') },
      pollAfterMs: POLL_AFTER_MS,
      wakeKey: build.arn,
    };
  },

  async poll(run) {
    const client = await run.client();
    const id = run.actionExecution.externalExecutionId ?? '';
    const { builds = [] } = await client.call<BatchGetBuildsOutput>('codebuild', 'BatchGetBuilds', { ids: [id] });
    const [build] = builds;
    if (build === undefined) throw new ActionFailure('JobFailed', `The build ${id} no longer exists.`);
    const report: ProviderReport = {
      externalExecutionId: id,
      externalExecutionUrl: urlOf(run, id),
      ...(build.logs?.cloudWatchLogsArn === undefined
        ? {}
        : { logStreamArn: build.logs.cloudWatchLogsArn.slice(0, 250) }),
    };
    if (build.buildStatus === 'IN_PROGRESS') {
      return { type: 'Running', report, pollAfterMs: POLL_AFTER_MS, wakeKey: build.arn };
    }
    if (build.buildStatus !== 'SUCCEEDED') return failed(`Build terminated with state: ${build.buildStatus}`, report);
    const variables = (build.exportedEnvironmentVariables ?? []).map(({ name = '', value = '' }) => [name, value]);
    return {
      type: 'Succeeded',
      outputs: await run.artifacts.collectOutputs(),
      report,
      variables: Object.fromEntries(variables) as Record<string, string>,
    };
  },

  async *foresee({ run, call, inputs, read }) {
    const brought = yield* inputs();
    for (const input of brought) yield read(input);
    yield call('codebuild', 'StartBuild', startInput(run, brought), 'start the build');
    const ids = [`${run.configuration['ProjectName'] ?? ''}:${run.actionExecution.id}`];
    yield call('codebuild', 'BatchGetBuilds', { ids }, 'follow the build');
    for (const place of run.artifacts.outputPlaces()) yield read(place);
  },
};

function startInput(run: ActionRun, inputs: readonly Artifact[]): StartBuildInput {
  const { configuration, artifacts, pipelineExecution, actionExecution } = run;
  const primaryName = configuration['PrimarySource'];
  const primary = inputs.find((input) => input.name === primaryName) ?? inputs[0];
  const secondary = inputs.filter((input) => input !== primary);
  const outputs = artifacts.outputPlaces();
  const revision = pipelineExecution.actions.findLast(({ outputs: made }) =>
    made.some((output) => output.bucket === primary?.bucket && output.key === primary.key),
  )?.revision;
  return {
    projectName: configuration['ProjectName'],
    idempotencyToken: actionExecution.id,
    sourceTypeOverride: 'S3',
    sourceLocationOverride: `${primary?.bucket}/${primary?.key}`,
    ...(primary?.versionId === undefined ? {} : { sourceVersion: primary.versionId }),
    secondarySourcesOverride: secondary.map((input) => ({
      type: 'S3',
      location: `${input.bucket}/${input.key}`,
      sourceIdentifier: input.name,
    })),
    secondarySourcesVersionOverride: secondary.flatMap((input) =>
      input.versionId === undefined ? [] : { sourceIdentifier: input.name, sourceVersion: input.versionId },
    ),
    artifactsOverride: outputs.length === 1 && outputs[0] ? artifactsAt(outputs[0]) : { type: 'NO_ARTIFACTS' },
    secondaryArtifactsOverride:
      outputs.length > 1 ? outputs.map((output) => ({ ...artifactsAt(output), artifactIdentifier: output.name })) : [],
    environmentVariablesOverride: [
      { name: 'CODEPIPELINE_EXECUTION_ID', value: pipelineExecution.id, type: 'PLAINTEXT' },
      // Becomes the build's resolved source version, as the commit of a source action does in AWS.
      ...(revision === undefined
        ? []
        : [{ name: 'CODEPIPELINE_SOURCE_REVISION', value: revision.id, type: 'PLAINTEXT' as const }]),
      // What was checked here is what is built there, also from a bucket that keeps no versions.
      {
        name: 'CODEPIPELINE_SOURCE_DIGESTS',
        value: JSON.stringify(
          Object.fromEntries(inputs.map(({ bucket, key, sha256 }) => [`${bucket}/${key}`, sha256])),
        ),
        type: 'PLAINTEXT',
      },
      ...((environmentVariables(configuration['EnvironmentVariables'] ?? '[]') ?? []) as {
        name: string;
        value: string;
        type: 'PLAINTEXT';
      }[]),
    ],
  };
}

function artifactsAt({ bucket, key }: ArtifactPlace): NonNullable<StartBuildInput['artifactsOverride']> {
  const slash = key.lastIndexOf('/');
  return {
    type: 'S3',
    location: bucket,
    path: key.slice(0, slash),
    name: key.slice(slash + 1),
    packaging: 'ZIP',
    namespaceType: 'NONE',
    encryptionDisabled: false,
  };
}

function failed(message: string, report: ProviderReport): ActionOutcome {
  return { type: 'Failed', error: { code: 'JobFailed', message }, report };
}

function urlOf(run: ActionRun, buildId: string): string {
  return `https://console.aws.amazon.com/codebuild/home?region=${run.region}#/builds/${buildId}/view/new`;
}
