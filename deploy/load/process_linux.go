package main

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endWithParent has the system end a program should this one die without
// stopping it.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// cpu returns the processor time, user's and system's, of the program so far.
func (p *process) cpu() (time.Duration, error) {
	// What clock_getcpuclockid(3) makes of a process: its clock of scheduled time.
	clock := int32(^p.cmd.Process.Pid<<3 | 2) //nolint:gosec // the system bounds a process's number by 2^22
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		return 0, fmt.Errorf("read the processor time: %w", err)
	}
	return time.Duration(now.Nano()), nil
}
