export { awsManagedPolicies, awsManagedPolicy, type AwsManagedPolicy } from './managed-policies.ts';
