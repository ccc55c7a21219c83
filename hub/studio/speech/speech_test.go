package speech

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// TestMain lets the test binary play an engine: LOA_TEST_ENGINE can't be passed
// through the engine's clean environment, so its first argument names the part.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "pretend-") {
		pretend(os.Args[1], os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

func pretend(part string, args []string) {
	switch part {
	case "pretend-speak": // says as many samples as there are characters, thousandfold
		text, _ := io.ReadAll(os.Stdin)
		_ = WriteWAV(os.Stdout, PCM{Rate: 16000, Samples: make([]int16, 1000*len(bytes.TrimSpace(text)))})
	case "pretend-file":
		f, _ := os.Create(args[0])
		_ = WriteWAV(f, PCM{Rate: 22050, Samples: make([]int16, 22050)})
		_ = f.Close()
	case "pretend-args":
		fmt.Print(strings.Join(args, " "))
	case "pretend-crash":
		fmt.Fprintln(os.Stderr, "out of voices")
		os.Exit(3)
	case "pretend-kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	case "pretend-flood":
		block := make([]byte, 1<<16)
		for {
			if _, err := os.Stdout.Write(block); err != nil {
				os.Exit(1)
			}
		}
	case "pretend-hang": // with a child of its own, whose id it writes down
		grandchild := exec.Command("sleep", "600")
		_ = grandchild.Start()
		_ = os.WriteFile(args[0]+".part", []byte(strconv.Itoa(grandchild.Process.Pid)), 0o600)
		_ = os.Rename(args[0]+".part", args[0])
		_ = grandchild.Wait()
	}
}

func pretended(part string, args ...string) Config {
	return Config{
		Program: os.Args[0], Args: append([]string{"pretend-" + part}, args...),
		Voices: map[Voice]string{VoiceNorth: "north.onnx"}, WPM: 150, Timeout: 30 * time.Second,
	}
}

func TestAnotherEngineSpeaksToItsOutputOrToAFile(t *testing.T) {
	got, err := New(pretended("speak")).Speak(t.Context(), Request{Text: "xin chao"})
	if err != nil || got.Rate != 16000 || len(got.Samples) != 8000 {
		t.Errorf("output: %d samples at %d Hz, %v", len(got.Samples), got.Rate, err)
	}
	got, err = New(pretended("file", "{out}")).Speak(t.Context(), Request{Text: "xin chao"})
	if err != nil || got.Rate != 22050 || len(got.Samples) != 22050 {
		t.Errorf("file: %d samples at %d Hz, %v", len(got.Samples), got.Rate, err)
	}
}

func TestArgumentsTakeVoiceAndRate(t *testing.T) {
	e := New(Config{
		Args:   []string{"-m", "{voice}", "--speed={rate}", "--scale", "{scale}", "{wpm}"},
		Voices: map[Voice]string{VoiceSouth: "nam; rm -rf"}, WPM: 160,
	})
	got, err := e.arguments(Request{Voice: VoiceSouth, Rate: 1.25})
	if err != nil || strings.Join(got, "|") != "-m|nam; rm -rf|--speed=1.25|--scale|0.80|200" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEveryFailureOfAnEngineIsItsOwnError(t *testing.T) {
	hang := pretended("hang", filepath.Join(t.TempDir(), "pid"))
	hang.Timeout = 300 * time.Millisecond
	flood := pretended("flood")
	flood.MaxSound = 1 << 20
	for name, c := range map[string]struct {
		cfg  Config
		req  Request
		want error
	}{
		"missing":      {cfg: Config{Program: "/nowhere/engine", Voices: pretended("speak").Voices}, want: ErrEngineMissing},
		"not program":  {cfg: Config{Program: os.DevNull, Voices: pretended("speak").Voices}, want: ErrEngineMissing},
		"hangs":        {cfg: hang, want: ErrEngineTimeout},
		"crashes":      {cfg: pretended("crash"), want: ErrEngineFailed},
		"is killed":    {cfg: pretended("kill"), want: ErrEngineFailed},
		"floods":       {cfg: flood, want: ErrEngineFailed},
		"says nothing": {cfg: pretended("nothing"), want: ErrEngineFailed},
		"no wav":       {cfg: pretended("args", "RIFF but not quite"), want: ErrEngineFailed},
		"no voice":     {cfg: pretended("speak"), req: Request{Voice: "west"}, want: ErrVoice},
		"too fast":     {cfg: pretended("speak"), req: Request{Rate: 2.1}, want: ErrRate},
	} {
		t.Run(name, func(t *testing.T) {
			c.req.Text = "xin chào"
			if _, err := New(c.cfg).Speak(t.Context(), c.req); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestACancelledEngineLeavesNoProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := New(pretended("hang", file)).Speak(ctx, Request{Text: "a"})
		done <- err
	}()
	pid := awaitPID(t, file)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	awaitDeath(t, pid)
}

// awaitPID waits for the pretended engine to write down its child's id.
func awaitPID(t *testing.T, file string) int {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(file); err == nil {
			pid, err := strconv.Atoi(string(b))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("no process id")
		}
	}
}

// awaitDeath waits until a killed process is gone or only waits to be reaped.
func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return
		}
		state := ""
		for s := bufio.NewScanner(f); s.Scan(); {
			if rest, ok := strings.CutPrefix(s.Text(), "State:"); ok {
				state = strings.TrimSpace(rest)
			}
		}
		f.Close()
		if strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d still lives: %s", pid, state)
		}
	}
}

func TestEspeakHasThreeVoicesAndARate(t *testing.T) {
	if _, err := exec.LookPath("espeak-ng"); err != nil {
		t.Skip("espeak-ng is not installed")
	}
	e := New(EspeakConfig(""))
	const text = "uỷ ban nhân dân xã bình an thông báo, mười bảy giờ ba mươi."
	seen := map[string]Voice{}
	for _, v := range []Voice{VoiceNorth, VoiceCentral, VoiceSouth} {
		first, err := e.Speak(t.Context(), Request{Text: text, Voice: v})
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.Speak(t.Context(), Request{Text: text, Voice: v})
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(first.Samples)
		if key != fmt.Sprint(again.Samples) {
			t.Errorf("%s: not the same twice", v)
		}
		if other, ok := seen[key]; ok {
			t.Errorf("%s sounds like %s", v, other)
		}
		seen[key] = v
	}
	slow, err := e.Speak(t.Context(), Request{Text: text, Rate: 0.7})
	if err != nil {
		t.Fatal(err)
	}
	fast, err := e.Speak(t.Context(), Request{Text: text, Rate: 1.5})
	if err != nil {
		t.Fatal(err)
	}
	if len(slow.Samples)*2 < len(fast.Samples)*3 {
		t.Errorf("slow %d samples, fast %d", len(slow.Samples), len(fast.Samples))
	}
}

func TestPiecesKeepEveryWordAndEndAtSentences(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("mời bà con đến nhà văn hoá thôn đông, đúng giờ. ", 60))
	pieces := Pieces(text)
	if got := strings.Join(pieces, " "); got != text {
		t.Error("words were lost")
	}
	for _, p := range pieces {
		if len(p) > pieceSize || !strings.HasSuffix(p, ".") {
			t.Errorf("piece of %d bytes ends in %q", len(p), p[len(p)-5:])
		}
	}
	long := strings.Repeat("ươ", 2000)
	if got := strings.Join(Pieces(long), ""); got != long {
		t.Error("a word without spaces was damaged")
	}
}

func FuzzParseWAV(f *testing.F) {
	var b bytes.Buffer
	_ = WriteWAV(&b, PCM{Rate: 22050, Samples: []int16{1, -2, 3}})
	f.Add(b.Bytes())
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "WAV", len(b), func() { _, _ = ParseWAV(b) })
		s, err := ParseWAV(b)
		if err == nil && (s.Rate < 8000 || len(s.Samples)*2 > len(b)) {
			t.Errorf("%d samples at %d Hz out of %d bytes", len(s.Samples), s.Rate, len(b))
		}
	})
}
