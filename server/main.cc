#include "server/cli/cli.h"
#include "server/serve/serve.h"

int main(int argc, char** argv) { return dspex::RunCli(argc, argv, dspex::Serve); }
