export { evaluate, isOpen, type Names, NO_ECHO } from './evaluate.ts';
export { type GivenParameter, parameterValues } from './parameters.ts';
export {
  capabilitiesNeeded,
  makePlan,
  type Plan,
  type PlannedOutput,
  type PlannedResource,
  type PlanInput,
} from './plan.ts';
export {
  type Attempt,
  attempt,
  type DeletionPolicy,
  type ParameterDeclaration,
  readTemplate,
  type Template,
  TemplateFault,
  type TypeFacts,
} from './template.ts';
export { isObject, isSame } from './values.ts';
