// Serves aimock, whose module is the argument, on a free loopback port until standard input ends. The first line on
// standard output is {"port": N}.
const { LLMock } = await import(process.argv[2]);
// Strict: what no fixture matches is an error.
const mock = new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "silent" });
const url = await mock.start();
console.log(JSON.stringify({ port: Number(new URL(url).port) }));
process.stdin.on("end", () => process.exit(0)).resume();
