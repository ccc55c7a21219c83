package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started, with its log in a file.
type process struct {
	cmd *exec.Cmd
	log string
	off int64 // of the log at the last start
}

func launch(log string, env []string, name string, args ...string) (*process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = f, f, append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, log: log, off: info.Size()}, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// end asks a program to end and waits for it.
func (p *process) end() error {
	if p == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(15 * time.Second):
		return fmt.Errorf("%s did not end: %w", p.cmd.Path, p.cmd.Process.Kill())
	}
}

// find waits for a line of the log with all words and returns it.
func (p *process) find(ctx context.Context, words ...string) (string, error) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		b, err := os.ReadFile(p.log)
		if err != nil {
			return "", err
		}
	lines:
		for line := range strings.Lines(string(b[p.off:])) {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			return strings.TrimSpace(line), nil
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("%s never logged %q", filepath.Base(p.log), words)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return "", err
		}
	}
}

// field returns the value of key=value in a line of slog's text.
func field(line, key string) (time.Time, error) {
	_, rest, ok := strings.Cut(" "+line, " "+key+"=")
	if !ok {
		return time.Time{}, fmt.Errorf("no %s in %q", key, line)
	}
	value, _, _ := strings.Cut(rest, " ")
	return time.Parse(time.RFC3339Nano, strings.Trim(value, `"`))
}

// tree returns a process and all below it; children hang on any of its threads.
func tree(pid int) []int {
	seen := map[int]bool{pid: true}
	todo := []int{pid}
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p))
		if err != nil {
			continue
		}
		for _, t := range tasks {
			b, err := os.ReadFile(t)
			if err != nil {
				continue
			}
			for _, c := range strings.Fields(string(b)) {
				if n, err := strconv.Atoi(c); err == nil && !seen[n] {
					seen[n] = true
					todo = append(todo, n)
				}
			}
		}
	}
	var all []int
	for p := range seen {
		all = append(all, p)
	}
	return all
}

// pss returns the proportional memory of a process and its children, in MB.
func pss(pid int) (float64, error) {
	var kb float64
	for _, p := range tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			return 0, err
		}
		for line := range bytes.Lines(b) {
			if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "Pss:" {
				n, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					return 0, err
				}
				kb += n
			}
		}
	}
	return kb * 1024 / 1e6, nil
}

// cpu returns the processor time of a process and its children.
func cpu(pid int) (time.Duration, error) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	var sum time.Duration
	for _, p := range tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			return 0, err
		}
		_, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if !ok || len(f) < 13 {
			return 0, fmt.Errorf("stat of %d: %q", p, b)
		}
		for _, s := range f[11:13] {
			n, err := strconv.Atoi(s)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}
