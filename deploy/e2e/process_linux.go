package e2e

import "syscall"

// processGroup puts a program into a group of its own, and has the system end it
// should the test die without its clean-up (a panic, a time limit).
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
