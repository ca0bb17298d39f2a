/**
 * A group of modules for rolldown: what `entry` needs goes into one file, as that is read sooner than the twenty it would
 * be shared out to.
 * @param {string} name the name of the file
 * @param {string} entry the path of a module that is imported when it is needed
 * @param {string[]} others paths of modules that start often without `entry`: what these need stays by itself
 */
export function readAtOnce(name, entry, others) {
  let modules;
  return {
    debugName: name,
    includeDependenciesRecursively: false,
    name(id, context) {
      modules ??= reached(entry, context, new Set(others.flatMap((other) => [...reached(other, context)])));
      return modules.has(id) ? name : null;
    },
  };
}

/** The modules that are loaded with the module `id`, itself included, without those of `known`. */
function reached(id, context, known = new Set(), found = new Set()) {
  if (known.has(id) || found.has(id)) return found;
  found.add(id);
  for (const imported of context.getModuleInfo(id)?.importedIds ?? [])
    reached(imported, context, known, found);
  return found;
}
