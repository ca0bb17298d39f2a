/** Whether the command line asks for an emergency: then nothing else is loaded, and otherwise nothing of it. */
export function isEmergency(argv: readonly string[]): boolean {
  return (
    argv.includes('rollback') &&
    argv.includes('--emergency') &&
    !argv.includes('--help') &&
    !argv.includes('-h')
  );
}
