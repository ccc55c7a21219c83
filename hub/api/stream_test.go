package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/loa-vn/loa/hub/account"
)

// tokens lets everybody in who shows a token.
type tokens struct{ Accounts }

func (tokens) Bearer(context.Context, string) (account.Actor, error) {
	return account.Actor{Person: "soan"}, nil
}

// noSessions holds none.
type noSessions struct{}

func (noSessions) Delete(string) error                                        { return nil }
func (noSessions) Find(string) ([]byte, bool, error)                          { return nil, false, nil }
func (noSessions) Commit(string, []byte, time.Time) error                     { return nil }
func (noSessions) DeleteCtx(context.Context, string) error                    { return nil }
func (noSessions) FindCtx(context.Context, string) ([]byte, bool, error)      { return nil, false, nil }
func (noSessions) CommitCtx(context.Context, string, []byte, time.Time) error { return nil }

func testServer(t *testing.T, extra func(*Server)) (*Server, string) {
	t.Helper()
	s, err := New(Services{Account: tokens{}, Sessions: noSessions{}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	extra(s)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return s, srv.URL
}

type sizeOutput struct {
	Body struct {
		Size int64 `json:"size"`
	}
}

func TestUploadsStream(t *testing.T) {
	const limit = 1 << 20
	var readErr error
	s, url := testServer(t, func(s *Server) {
		streamed(s.api, s, huma.Operation{OperationID: "up", Method: http.MethodPut, Path: "/up"}, limit,
			func(_ context.Context, _ account.Actor, _ *nothing, r io.Reader) (*sizeOutput, error) {
				out := &sizeOutput{}
				out.Body.Size, readErr = io.Copy(io.Discard, r)
				return out, readErr
			})
	})
	for _, c := range []struct {
		name, kind string
		size       int
		chunked    bool
		status     int
	}{
		{"to the limit", octets, limit, false, 200},
		{"over what JSON bodies may have", octets, 200 << 10, true, 200},
		{"empty", octets, 0, false, 200},
		{"says it is too long", octets, limit + 1, false, 413},
		{"is too long without saying so", octets, limit + 1, true, 413},
		{"form", "multipart/form-data; boundary=x", 10, false, 422},
		{"no type", "", 10, false, 422},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := make([]byte, c.size)
			_, _ = rand.Read(body)
			var r io.Reader = bytes.NewReader(body)
			if c.chunked {
				r = io.MultiReader(r) // hides the length
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/api/v1/up", r)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer x")
			if c.kind != "" {
				req.Header.Set("Content-Type", c.kind)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || (c.status == 200 && strings.TrimSpace(string(text)) != fmt.Sprintf(`{"size":%d}`, c.size)) {
				t.Errorf("status %d, want %d: %s", res.StatusCode, c.status, text)
			}
		})
	}
	if op := s.api.OpenAPI().Paths["/api/v1/up"].Put; op.RequestBody == nil || op.RequestBody.Content[octets] == nil {
		t.Error("the upload is not described")
	}
}

type tick struct {
	N int `json:"n"`
}

func TestStreamReachesTheBrowserWhileItsHandlerRuns(t *testing.T) {
	release := make(chan struct{})
	_, url := testServer(t, func(s *Server) {
		sse.Register(s.api, huma.Operation{OperationID: "ticks", Method: http.MethodGet, Path: prefix + "/ticks"}, map[string]any{"tick": tick{}},
			func(_ context.Context, _ *nothing, send sse.Sender) {
				if err := send.Data(tick{N: 1}); err != nil {
					t.Error(err)
				}
				<-release
			})
	})
	res, err := http.Get(url + "/api/v1/ticks")
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	close(release)
	if err != nil || line != "event: tick\n" {
		t.Errorf("first line %q, %v", line, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestPanicIsA500WithoutItsText(t *testing.T) {
	_, url := testServer(t, func(s *Server) {
		open(s.api, s, huma.Operation{OperationID: "boom", Method: http.MethodGet, Path: "/boom"},
			func(context.Context, account.Actor, *nothing) (*nothing, error) { panic("secret state") })
		open(s.api, s, huma.Operation{OperationID: "fail", Method: http.MethodGet, Path: "/fail"},
			func(context.Context, account.Actor, *nothing) (*nothing, error) {
				return nil, errors.New("secret state")
			})
	})
	for _, path := range []string{"/api/v1/boom", "/api/v1/fail"} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusInternalServerError || strings.Contains(string(text), "secret") || !strings.Contains(string(text), `"code":"internal"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

func TestForwardedAddressCountsOnlyFromTrustedProxies(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "198.51.100.9", "192.0.2.1"},
		{"10.0.0.1:5", "198.51.100.9", "198.51.100.9"},
		{"10.0.0.1:5", "203.0.113.7, 198.51.100.9", "198.51.100.9"},
		{"10.0.0.1:5", "198.51.100.9, 10.0.0.2", "198.51.100.9"},
		{"10.0.0.1:5", "not an address", "10.0.0.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"[::1]:5", "2001:db8::1", "2001:db8::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := clientAddress(r, proxies); got != c.want {
			t.Errorf("%s for %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
