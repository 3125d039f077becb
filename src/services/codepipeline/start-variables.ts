/** Pipeline-level variables at the start of an execution. Source: User Guide, "Working with variables at the pipeline level". */
import type { PipelineDeclaration } from '../../core/pipeline-definition/index.ts';

type Given = readonly Readonly<{ name?: string | undefined; value?: string | undefined }>[];

export type StartVariables =
  | Readonly<{ values: Readonly<Record<string, string>> }>
  /** Declared without a default value, and not given. */
  | Readonly<{ missing: string }>
  /** Given, and not declared. */
  | Readonly<{ unknown: string }>;

export function startVariables(declaration: PipelineDeclaration, given: Given): StartVariables {
  const declared = declaration.variables ?? [];
  const stray = given.find(({ name }) => !declared.some((variable) => variable.name === name));
  if (stray !== undefined) return { unknown: stray.name ?? '' };
  const values: Record<string, string> = {};
  for (const { name, defaultValue } of declared) {
    const value = given.find((variable) => variable.name === name)?.value ?? defaultValue;
    if (value === undefined) return { missing: name };
    values[name] = value;
  }
  return { values };
}
