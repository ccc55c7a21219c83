package child

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary play a child that asks for too much.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "child-") {
		play(os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// play waits for its limits, which are set just after its start, by reading its
// input to the end.
func play(args []string) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	switch args[0] {
	case "child-memory":
		var all [][]byte
		for range 1024 {
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
		}
		os.Exit(len(all) - 1024)
	case "child-file":
		f, err := os.Create(args[1])
		if err != nil {
			os.Exit(1)
		}
		block := make([]byte, 1<<16)
		for range 1024 {
			if _, err := f.Write(block); err != nil {
				os.Exit(1)
			}
		}
	case "child-errors":
		for range 10000 {
			_, _ = os.Stderr.WriteString("a line of trouble that is repeated\n")
		}
		_, _ = os.Stderr.WriteString("the last line")
		os.Exit(7)
	case "child-sleep":
		for {
			_ = syscall.Pause()
		}
	case "child-dial":
		c, err := net.Dial("tcp", args[1])
		if err != nil {
			os.Exit(9)
		}
		_ = c.Close()
	case "child-env":
		_, _ = os.Stdout.WriteString(strings.Join(os.Environ(), "\n"))
	}
}

func spec(args ...string) Spec {
	return Spec{Path: os.Args[0], Args: args, Timeout: time.Minute, MaxOutput: 1 << 20, Stdin: strings.NewReader("go")}
}

func TestAChildCanNotPassItsLimits(t *testing.T) {
	memory := spec("child-memory")
	memory.Memory = 2 << 30
	if _, err := Run(t.Context(), memory); !errors.Is(err, ErrExit) {
		t.Errorf("memory: %v", err)
	}
	path := filepath.Join(t.TempDir(), "file")
	file := spec("child-file", path)
	file.FileSize = 1 << 20
	if _, err := Run(t.Context(), file); !errors.Is(err, ErrExit) {
		t.Errorf("file: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() > 1<<20 {
		t.Errorf("file of %v bytes, %v", st.Size(), err)
	}
	slow := spec("child-sleep")
	slow.Timeout = 50 * time.Millisecond
	if _, err := Run(t.Context(), slow); !errors.Is(err, ErrTimeout) {
		t.Errorf("time: %v", err)
	}
}

func TestAChildHasNoNetworkUnlessItIsGiven(t *testing.T) {
	if !Isolates() {
		t.Fatal("this system can not keep a child from the network; run as root, or allow user namespaces")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := spec("child-dial", ln.Addr().String())
	if _, err := Run(t.Context(), s); !errors.Is(err, ErrExit) {
		t.Errorf("it reached the hub's own host: %v", err)
	}
	s = spec("child-dial", ln.Addr().String())
	s.Network = true
	if _, err := Run(t.Context(), s); err != nil {
		t.Errorf("with a network: %v", err)
	}
}

func TestTheEndOfTheErrorsIsKept(t *testing.T) {
	log, err := Run(t.Context(), spec("child-errors"))
	if !errors.Is(err, ErrExit) || !strings.HasSuffix(log, "the last line") || len(log) > stderrTail {
		t.Errorf("%d bytes, %v", len(log), err)
	}
}

func TestAChildSeesNothingOfTheHubsEnvironment(t *testing.T) {
	t.Setenv("LOA_SECRET", "x")
	var out strings.Builder
	s := spec("child-env")
	s.Stdout = &out
	if _, err := Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "LOA_SECRET") || !strings.Contains(out.String(), "PATH=") {
		t.Errorf("environment %q", out.String())
	}
}
