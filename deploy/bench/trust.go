package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// trusting measures what a device checks by itself, by benchmarks of its packages:
// a passkey's approval, and a plan of 500 airings.
func trusting(ctx context.Context, _ *world, rounds int) ([]result, error) {
	figures := map[string][]float64{}
	for _, b := range [][2]string{{"./protocol/envelope", "^BenchmarkCheckPasskey$"}, {"./agent/inbox", "^BenchmarkPlan(Cold|Cached)$"}} {
		out, err := exec.CommandContext(ctx, "go", "test", "-tags", tags, "-run", "^$", "-benchtime", fmt.Sprintf("%dx", rounds), "-bench", b[1], b[0]).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("benchmarks of %s: %w\n%s", b[0], err, out)
		}
		for name, values := range benchmarks(out) {
			figures[name] = values
		}
	}
	ms := func(name string) float64 { return median(figures[name+" ns/op"]) / 1e6 }
	for _, name := range []string{"CheckPasskey", "PlanCold", "PlanCached"} {
		if len(figures[name+" ns/op"]) == 0 {
			return nil, fmt.Errorf("no figure of %s", name)
		}
	}
	return []result{
		under("trust: a passkey's approval on the device", ms("CheckPasskey"), 2, "ms"),
		under("trust: a plan of 500 airings, approvals known", ms("PlanCached"), 20, "ms"),
		under("trust: a plan of 500 airings, cold", ms("PlanCold"), 150, "ms"),
	}, nil
}

// enrolment measures what a technician waits for: from the command with the claim
// (or its QR code, which holds the same two words) to a device that is on the line.
func enrolment(ctx context.Context, w *world, rounds int) ([]result, error) {
	var command, line []float64
	for i := range rounds {
		id := fmt.Sprintf("loa-moi-%d", i)
		out, err := w.command("device", "add", "--id", id, "--name", "Loa mới", "--unit", "thon-dong", "--sound", "--registrar-password-file", w.password, "--qr", filepath.Join(w.dir, id+".png"))
		if err != nil {
			return nil, err
		}
		profile, err := w.file(id+"-profile.yaml", "name: new-profile\nabout: bench\nsound: {driver: \"null\", card: default, rate: 48000}\nvolume: {ceiling: 100}\n")
		if err != nil {
			return nil, err
		}
		settings, err := w.file(id+".yaml", fmt.Sprintf("data: %s\nboard: %s\n", filepath.Join(w.dir, id), profile))
		if err != nil {
			return nil, err
		}
		agent := filepath.Join(w.bin, "loa-agent")
		from := time.Now()
		if b, err := exec.CommandContext(ctx, agent, "--config", settings, "enrol", "--hub", w.enrol, "--claim", claimText(out)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("enrol %s: %w: %s", id, err, b)
		}
		command = append(command, time.Since(from).Seconds())
		p, err := launch(filepath.Join(w.dir, id+".log"), nil, agent, "--config", settings, "run")
		if err != nil {
			return nil, err
		}
		_, err = p.find(ctx, "connected to the broker")
		line = append(line, time.Since(from).Seconds())
		if ended := p.end(); err == nil {
			err = ended
		}
		if err != nil {
			return nil, err
		}
	}
	return []result{
		under("enrolment: the one command", median(command), 30, "s"),
		under("enrolment: until the device is on the line", median(line), 30, "s"),
	}, nil
}
