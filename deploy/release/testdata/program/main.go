// Command program uses a module, so that its bill of materials has one to list.
package main

import (
	"os"

	"github.com/go-kit/log"
)

func main() {
	if err := log.NewLogfmtLogger(os.Stdout).Log("msg", "packed"); err != nil {
		os.Exit(1)
	}
}
