/**
 * Makes on a running server what the files of `examples/rehearse` describe: the function greeter, whose version 1 answers and
 * whose version 2 fails three requests of ten, with the alias live on version 1; the alarms; the deployment group greeter/live.
 *
 *   AWS_ENDPOINT_URL=http://127.0.0.1:4566 node examples/rehearse/server/make.mjs
 */
import { readFileSync } from 'node:fs';
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import { CodeDeployClient, CreateApplicationCommand, CreateDeploymentGroupCommand } from '@aws-sdk/client-codedeploy';
import { AttachRolePolicyCommand, CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  LambdaClient,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import yazl from 'yazl';
import { client } from './client.mjs';

const WELL = "export const handler = async () => 'hello';";
const ILL =
  "export const handler = async () => { if (Math.random() < 0.3) throw new Error('no greeting'); return 'hi'; };";

const iam = client(IAMClient);
const lambda = client(LambdaClient);
const codedeploy = client(CodeDeployClient);
const cloudwatch = client(CloudWatchClient);

const functionRole = await role('greeter', 'lambda', 'service-role/AWSLambdaBasicExecutionRole');
await role('codedeploy', 'codedeploy', 'service-role/AWSCodeDeployRoleForLambda');
// With these a rollback looks first (docs/how-to/rollbacks.md), and a starting deployment knows how many requests there are.
const look = {
  Effect: 'Allow',
  Action: ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConcurrency', 'cloudwatch:GetMetricData'],
  Resource: '*',
};
await iam.send(
  new PutRolePolicyCommand({
    RoleName: 'codedeploy',
    PolicyName: 'look-first',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [look] }),
  }),
);
await lambda.send(
  new CreateFunctionCommand({
    FunctionName: 'greeter',
    Role: functionRole,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Code: { ZipFile: await zipped(WELL) },
    Publish: true,
  }),
);
await lambda.send(
  new UpdateFunctionCodeCommand({ FunctionName: 'greeter', ZipFile: await zipped(ILL), Publish: true }),
);
await lambda.send(new CreateAliasCommand({ FunctionName: 'greeter', Name: 'live', FunctionVersion: '1' }));
for (const alarm of read('../alarms.json').MetricAlarms) await cloudwatch.send(new PutMetricAlarmCommand(alarm));
await codedeploy.send(new CreateApplicationCommand({ applicationName: 'greeter', computePlatform: 'Lambda' }));
await codedeploy.send(new CreateDeploymentGroupCommand(read('../deployment-group.json')));
process.stdout.write(
  'made: function greeter (versions 1 and 2, live on 1), its two alarms, deployment group greeter/live\n',
);

async function role(name, service, policy) {
  const trust = { Effect: 'Allow', Principal: { Service: `${service}.amazonaws.com` }, Action: 'sts:AssumeRole' };
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  await iam.send(new AttachRolePolicyCommand({ RoleName: name, PolicyArn: `arn:aws:iam::aws:policy/${policy}` }));
  return Role.Arn;
}

async function zipped(code) {
  const zip = new yazl.ZipFile();
  zip.addBuffer(Buffer.from(code), 'index.mjs');
  zip.end();
  const chunks = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function read(name) {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}
