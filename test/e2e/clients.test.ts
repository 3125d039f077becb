/**
 * Unchanged clients against a running server: the AWS CLI, boto3 and Terraform with the AWS provider. A client that this
 * machine lacks is skipped, and the test's name says so. (The JavaScript SDK drives every other test.)
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

const run = promisify(execFile);
const answers = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

const hasCli = answers('aws', '--version');
const python = ['python3', 'python'].find((name) => answers(name, '-c', 'import boto3'));
const mirror = answers('terraform', 'version') ? findProviderMirror() : undefined;

let sluice: TestSluice;
let folder: string;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  sluice = await startSluice({ clock: 'real' });
  folder = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
  environment = {
    PATH: process.env['PATH'],
    HOME: folder,
    AWS_ENDPOINT_URL: sluice.url,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_PAGER: '',
    PYENV_VERSION: process.env['PYENV_VERSION'],
    PYENV_ROOT: process.env['PYENV_ROOT'],
  };
});

afterAll(async () => {
  await sluice.close();
  rmSync(folder, { recursive: true, force: true });
});

async function aws(...args: string[]): Promise<string> {
  const { stdout } = await run('aws', args, { env: environment, cwd: folder });
  return stdout.trim();
}

/** An administrator's key: a root account assumes no roles. */
async function administrator(name: string): Promise<NodeJS.ProcessEnv> {
  const { IAMClient, AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } =
    await import('@aws-sdk/client-iam');
  const iam = new IAMClient(sluice.clientConfig());
  await iam.send(new CreateUserCommand({ UserName: name }));
  await iam.send(
    new AttachUserPolicyCommand({ UserName: name, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  return {
    ...environment,
    AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId,
    AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey,
  };
}

describe.skipIf(!hasCli)(`the AWS CLI${hasCli ? '' : ' (skipped: not on this machine)'}`, () => {
  it('knows who it is, and copies an object there and back', { timeout: 60_000 }, async () => {
    expect(JSON.parse(await aws('sts', 'get-caller-identity'))).toMatchObject({
      Arn: 'arn:aws:iam::000000000000:root',
    });
    writeFileSync(join(folder, 'there.txt'), 'a line\n');
    await aws('s3', 'mb', 's3://clients-cli');
    await aws('s3', 'cp', 'there.txt', 's3://clients-cli/deep/there.txt');
    await aws('s3', 'cp', 's3://clients-cli/deep/there.txt', 'back.txt');
    expect(execFileSync('cat', [join(folder, 'back.txt')], { encoding: 'utf8' })).toBe('a line\n');
    expect(await aws('s3', 'ls', 's3://clients-cli/deep/')).toMatch(/7 there\.txt$/);
  });

  it('waits, pages and names errors as ever', { timeout: 60_000 }, async () => {
    await expect(aws('codepipeline', 'get-pipeline', '--name', 'nobody')).rejects.toThrow(/PipelineNotFoundException/);
    await expect(aws('deploy', 'get-application', '--application-name', 'nobody')).rejects.toThrow(
      /ApplicationDoesNotExistException/,
    );
    await aws('logs', 'create-log-group', '--log-group-name', '/clients/cli');
    expect(JSON.parse(await aws('logs', 'describe-log-groups', '--log-group-name-prefix', '/clients'))).toMatchObject({
      logGroups: [{ logGroupName: '/clients/cli' }],
    });
    await aws('cloudwatch', 'put-metric-data', '--namespace', 'Clients', '--metric-name', 'Seen', '--value', '1');
    expect(
      await aws(
        'cloudwatch',
        'list-metrics',
        '--namespace',
        'Clients',
        '--query',
        'Metrics[0].MetricName',
        '--output',
        'text',
      ),
    ).toBe('Seen');
  });
});

describe.skipIf(python === undefined)(`boto3${python === undefined ? ' (skipped: not on this machine)' : ''}`, () => {
  it('drives every protocol', { timeout: 60_000 }, async () => {
    const script = `
import boto3, botocore, json
s3 = boto3.client('s3')
s3.create_bucket(Bucket='clients-boto3')
s3.put_object(Bucket='clients-boto3', Key='k', Body=b'hello', Metadata={'a': 'b'})
got = s3.get_object(Bucket='clients-boto3', Key='k')
assert got['Body'].read() == b'hello' and got['Metadata'] == {'a': 'b'}
kms = boto3.client('kms')
key = kms.create_key()['KeyMetadata']['KeyId']
sealed = kms.encrypt(KeyId=key, Plaintext=b'secret', EncryptionContext={'x': 'y'})['CiphertextBlob']
assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext={'x': 'y'})['Plaintext'] == b'secret'
iam = boto3.client('iam')
iam.create_role(RoleName='boto3', AssumeRolePolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]}))
assert iam.get_role(RoleName='boto3')['Role']['AssumeRolePolicyDocument']['Statement'][0]['Effect'] == 'Allow'
sqs = boto3.client('sqs')
url = sqs.create_queue(QueueName='boto3')['QueueUrl']
sqs.send_message(QueueUrl=url, MessageBody='m', MessageAttributes={'n': {'DataType': 'Number', 'StringValue': '1'}})
message = sqs.receive_message(QueueUrl=url, MessageAttributeNames=['All'])['Messages'][0]
assert message['Body'] == 'm' and message['MessageAttributes']['n']['StringValue'] == '1'
cloudwatch = boto3.client('cloudwatch')
cloudwatch.put_metric_data(Namespace='B', MetricData=[{'MetricName': 'm', 'Value': 2.5}])
assert cloudwatch.list_metrics(Namespace='B')['Metrics'][0]['MetricName'] == 'm'
try:
    boto3.client('codebuild').start_build(projectName='nobody')
    raise SystemExit('no error')
except botocore.exceptions.ClientError as error:
    assert error.response['Error']['Code'] == 'ResourceNotFoundException', error
print('ok')
`;
    const { stdout } = await run(python ?? '', ['-c', script], { env: environment, cwd: folder });
    expect(stdout.trim()).toBe('ok');
  });
});

describe.skipIf(mirror === undefined)(
  `Terraform${mirror === undefined ? ' (skipped: no terraform with the AWS provider on this machine)' : ''}`,
  () => {
    it('applies examples/terraform, plans nothing more, and destroys it', { timeout: 240_000 }, async () => {
      const admin = await administrator('terraform');
      const work = join(folder, 'terraform');
      cpSync(fileURLToPath(new URL('../../examples/terraform', import.meta.url)), work, { recursive: true });
      const rc = join(folder, 'terraformrc');
      writeFileSync(rc, `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`);
      const account = await makeAccount(admin);
      const terraform = (...args: string[]): Promise<{ stdout: string }> =>
        run('terraform', args, {
          cwd: work,
          env: { ...admin, TF_CLI_CONFIG_FILE: rc, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' },
          maxBuffer: 16 * 2 ** 20,
        });
      const variable = ['-no-color', '-input=false', '-var', `production_account=${account}`];
      await terraform('init', '-no-color', '-input=false');
      expect((await terraform('apply', '-auto-approve', ...variable)).stdout).toContain(
        'Apply complete! Resources: 31 added',
      );
      expect((await terraform('plan', '-detailed-exitcode', ...variable)).stdout).toContain('No changes');
      expect((await terraform('destroy', '-auto-approve', ...variable)).stdout).toContain(
        'Destroy complete! Resources: 31 destroyed',
      );
    });
  },
);

async function makeAccount(admin: NodeJS.ProcessEnv): Promise<string> {
  const { CreateAccountCommand, CreateOrganizationCommand, DescribeCreateAccountStatusCommand, OrganizationsClient } =
    await import('@aws-sdk/client-organizations');
  const credentials = {
    accessKeyId: admin['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: admin['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const organizations = new OrganizationsClient(sluice.clientConfig({ credentials }));
  await organizations.send(new CreateOrganizationCommand({}));
  const { CreateAccountStatus } = await organizations.send(
    new CreateAccountCommand({ AccountName: 'production', Email: 'production@example.com' }),
  );
  await sluice.settled();
  const status = await organizations.send(
    new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: CreateAccountStatus?.Id ?? '' }),
  );
  expect(status.CreateAccountStatus?.State).toBe('SUCCEEDED');
  return status.CreateAccountStatus?.AccountId ?? '';
}

/** A `filesystem_mirror` that holds the AWS provider: the folder above `registry.terraform.io/hashicorp/aws`. */
function findProviderMirror(): string | undefined {
  const given = process.env['SLUICE_TF_MIRROR'];
  const roots = [given, '/opt', '/usr/share/terraform', '/usr/local/share/terraform', join(homedir(), '.terraform.d')];
  const search = (dir: string, depth: number): string | undefined => {
    if (existsSync(join(dir, 'registry.terraform.io', 'hashicorp', 'aws'))) return dir;
    if (depth === 0) return undefined;
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const found = search(join(dir, entry.name), depth - 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const root of roots) {
    if (root === undefined || !existsSync(root)) continue;
    const found = search(root, 2);
    if (found !== undefined) return found;
  }
  return undefined;
}
