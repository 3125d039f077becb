export { type LambdaAppSpec, type LambdaHookName, readLambdaAppSpec } from './lambda-appspec.ts';
