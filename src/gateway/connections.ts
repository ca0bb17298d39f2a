import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Beyond the bound a few are taken, so that /health and /metrics answer and others are told why they wait. */
const SURPLUS = 16;
/** Files, notices, the port, a lookup of a name, what is just being closed. */
const RESERVED = 64;
const FEWEST = 16;

export interface Connections {
  count(): number;
  /** Whether a connection came when the gateway was full of running requests, and still is. */
  isSurplus(socket: Socket): boolean;
}

/**
 * Keeps a server's connections within a bound. When one too many comes, the one that has been idle for longest is
 * closed; when none is idle, the new one is surplus.
 */
export function boundConnections(server: Server, most: number): Connections {
  const running = new Map<Socket, number>();
  /** In the order in which they became idle. */
  const idle = new Set<Socket>();
  const surplus = new WeakSet<Socket>();
  const forget = (socket: Socket) => {
    running.delete(socket);
    idle.delete(socket);
  };

  server.on('connection', (socket: Socket) => {
    if (running.size >= most) {
      const [oldest] = idle;
      if (oldest) {
        forget(oldest);
        oldest.destroy();
      } else if (running.size >= most + SURPLUS) return void socket.destroy();
      else surplus.add(socket);
    }
    running.set(socket, 0);
    idle.add(socket);
    socket.once('close', () => forget(socket));
  });
  server.prependListener('request', ({ socket }, response) => {
    const change = (by: number) => {
      const requests = (running.get(socket) ?? 0) + by;
      if (!running.has(socket)) return;
      running.set(socket, requests);
      if (requests === 0) idle.add(socket);
      else idle.delete(socket);
    };
    change(1);
    response.once('close', () => change(-1));
  });

  return { count: () => running.size, isSurplus: (socket) => surplus.has(socket) && running.size > most };
}

/**
 * The connections that a limit of open files allows: each client's request needs one to either side besides its own.
 * @param limit undefined where the system has none.
 */
export function connectionsWithin(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(FEWEST, Math.floor((limit - RESERVED) / 3));
}

/** How many files and sockets this process may have open; undefined where there is no limit. */
export function descriptorLimit(): number | undefined {
  // The only place where Node tells; with its network part it would look up the names of all addresses.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: unknown } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
}
