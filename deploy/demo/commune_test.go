package main

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestQuietHoursAreTenHoursAway(t *testing.T) {
	for _, c := range []struct{ now, want string }{{"08:17", "18:17-20:17"}, {"13:30", "23:30-01:30"}, {"23:59", "09:59-11:59"}} {
		now, err := time.Parse("15:04", c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := quietHours(now); got != c.want {
			t.Errorf("at %s: %s, want %s", c.now, got, c.want)
		}
	}
}

func TestEverySampleBulletinCanBeRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "bulletins", "*.yaml"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	classes := map[string]int{}
	for _, f := range files {
		s, err := readSample(f)
		if err != nil {
			t.Error(err)
			continue
		}
		classes[s.Class]++
		if s.Title == "" || s.Text == "" && s.Board == "" || s.Drill && s.Class != "emergency" {
			t.Errorf("%s: %+v", f, s)
		}
	}
	if len(classes) != 3 || classes["normal"] == 0 || classes["priority"] == 0 || classes["emergency"] == 0 {
		t.Errorf("classes %v, want all three", classes)
	}
}

// echo answers what it gets, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

// ask sends a word through a new connection.
func ask(t *testing.T, p *proxy) (net.Conn, error) {
	t.Helper()
	c, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Write([]byte("loa")); err != nil {
		return c, err
	}
	b := make([]byte, 3)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "loa" {
		return c, io.ErrUnexpectedEOF
	}
	return c, nil
}

func TestTheNetworkGoesAndComesBack(t *testing.T) {
	p, err := newProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	before, err := ask(t, p)
	if err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if _, err := before.Read(make([]byte, 1)); err == nil {
		t.Error("the connection lives on without a network")
	}
	if _, err := ask(t, p); err == nil {
		t.Error("something came through without a network")
	}
	p.Mend()
	if _, err := ask(t, p); err != nil {
		t.Errorf("the network is not back: %v", err)
	}
}

func TestBadCommandLinesAreRefused(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"word"}, {"--bin", t.TempDir(), "--data", t.TempDir()}} {
		var out, errOut bytes.Buffer
		if got := run(t.Context(), args, &out, &errOut); got != exitRefused || !strings.Contains(errOut.String(), "-") {
			t.Errorf("%v: exit %d, %q", args, got, errOut.String())
		}
	}
}

func TestTheLiveTableIsDrawnOver(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.follow([]string{"một", "hai"})
	s.text("x")
	if out.String() != "x\n" {
		t.Errorf("no terminal, but %q", out.String())
	}
	out.Reset()
	s.live = true
	s.follow([]string{"một", "hai"})
	s.text("x")
	if want := "một\nhai\n\x1b[2A\x1b[Jx\nmột\nhai\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
