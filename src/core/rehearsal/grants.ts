/**
 * What the actions of a pipeline ask for, as whom, and when: so that each grant can be taken away in a rehearsal.
 *
 * It follows the calls that the providers in `services/codepipeline/actions`, the builds and the deployments make. A running
 * server knows better which grants a pipeline needs (`sluice preflight`); this says what follows where one is missing.
 */
import type { Denial } from './faults.ts';
import type { PipelinePlan, Work } from './pipeline-plan.ts';

/** Who asks: the pipeline (or the role of its action), the role of the build, the role of the deployment group. */
export type Asker = 'pipeline' | 'build' | 'deployment';

/**
 * `Start`: as the action starts. `Look`: as it looks how its build or deployment is getting on. `Source`, `Artifacts`: the
 * build's phases. `Revision`, `Alarms`, `Traffic`, `Hook`: within the deployment.
 */
export type AskedAt = 'Start' | 'Look' | 'Source' | 'Artifacts' | 'Revision' | 'Alarms' | 'Traffic' | 'Hook';

export type Need = Readonly<{ grant: string; by: Asker; when: AskedAt }>;

const pipelineNeeds = (when: AskedAt, ...grants: readonly string[]): readonly Need[] =>
  grants.map((grant) => ({ grant, by: 'pipeline', when }));

const BY_TYPE: Readonly<Record<string, readonly Need[]>> = {
  'Source/S3': pipelineNeeds('Start', 's3:GetObject', 's3:GetBucketVersioning', 's3:PutObject'),
  'Source/CodeCommit': pipelineNeeds(
    'Start',
    'codecommit:GetBranch',
    'codecommit:GetCommit',
    'codecommit:UploadArchive',
    's3:PutObject',
  ),
  'Source/CodeStarSourceConnection': pipelineNeeds('Start', 'codestar-connections:UseConnection', 's3:PutObject'),
  'Deploy/S3': pipelineNeeds('Start', 's3:GetObject', 's3:PutObject'),
  'Deploy/CloudFormation': [
    ...pipelineNeeds('Start', 'cloudformation:CreateStack', 'cloudformation:UpdateStack', 'iam:PassRole'),
    ...pipelineNeeds('Look', 'cloudformation:DescribeStacks'),
  ],
  'Invoke/Lambda': pipelineNeeds('Start', 'lambda:InvokeFunction'),
};

const BUILD: readonly Need[] = [
  ...pipelineNeeds('Start', 'codebuild:StartBuild'),
  ...pipelineNeeds('Look', 'codebuild:BatchGetBuilds'),
  { grant: 's3:GetObject', by: 'build', when: 'Source' },
  { grant: 's3:PutObject', by: 'build', when: 'Artifacts' },
];

const DEPLOYMENT: readonly Need[] = [
  ...pipelineNeeds(
    'Start',
    'codedeploy:CreateDeployment',
    's3:GetObject',
    'codedeploy:GetDeploymentConfig',
    'codedeploy:RegisterApplicationRevision',
  ),
  ...pipelineNeeds('Look', 'codedeploy:GetDeployment'),
  { grant: 's3:GetObject', by: 'deployment', when: 'Revision' },
  { grant: 'lambda:GetAlias', by: 'deployment', when: 'Revision' },
  { grant: 'lambda:UpdateAlias', by: 'deployment', when: 'Traffic' },
];

export function needsOf(work: Work, { groups }: Pick<PipelinePlan, 'groups'>): readonly Need[] {
  if (work.kind === 'Build') return BUILD;
  if (work.kind === 'Approval') return work.notifies ? pipelineNeeds('Start', 'sns:Publish') : [];
  if (work.kind !== 'Deployment') return BY_TYPE[work.type] ?? [];
  const { alarms = [], missingAlarms = [], hooks = [] } = groups[work.group] ?? {};
  const needs = [...DEPLOYMENT];
  if (alarms.length + missingAlarms.length > 0)
    needs.push({ grant: 'cloudwatch:DescribeAlarms', by: 'deployment', when: 'Alarms' });
  if (hooks.length > 0) needs.push({ grant: 'lambda:InvokeFunction', by: 'deployment', when: 'Hook' });
  return needs;
}

/** Every grant that the pipeline can be without, the first that asks for it first. */
export function removableGrants(plan: PipelinePlan): readonly (Need & { readonly at: string })[] {
  return Object.entries(plan.work).flatMap(([at, work]) => needsOf(work, plan).map((need) => ({ ...need, at })));
}

type Asking = Readonly<{ at: string; by: Asker }>;

function concerns({ at, by }: Denial, asking: Asking): boolean {
  return (at === undefined || at === asking.at) && (by === undefined || by === asking.by);
}

/** Whether this very grant is refused to who asks. */
export function isDenied(denial: Denial | undefined, asking: Asking, grant: string): boolean {
  return denial?.grant === grant && concerns(denial, asking);
}

/** The grant whose lack is felt at this moment, if one is. One that this file does not know of is felt as the action starts. */
export function lackAt(
  denial: Denial | undefined,
  asking: Asking,
  when: AskedAt,
  needs: readonly Need[],
): string | undefined {
  if (denial === undefined || !concerns(denial, asking)) return undefined;
  const known = needs.filter(({ grant }) => grant === denial.grant);
  const felt =
    known.length === 0
      ? when === 'Start' && denial.at === asking.at
      : known.some((need) => need.by === asking.by && need.when === when);
  return felt ? denial.grant : undefined;
}
