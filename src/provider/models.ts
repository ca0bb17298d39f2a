/** Config key of the target model for every legacy model that is not named. */
const EVERY_OTHER = '*';

/** The model that target is asked for where legacy is asked for `model`: the mapping's, or the same name. */
export function targetModel(models: Readonly<Record<string, string>>, model: string): string {
  return (Object.hasOwn(models, model) ? models[model] : models[EVERY_OTHER]) ?? model;
}

/** The first legacy model that the mapping names, or undefined. */
export function firstLegacyModel(models: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(models).find((name) => name !== EVERY_OTHER);
}
