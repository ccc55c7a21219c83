package resume_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/resume"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// server serves uploads; the header Person says who is asking.
func server(t *testing.T, dir string) (*resume.Server, string) {
	t.Helper()
	s, err := resume.Open(dir, "/up", 1<<20, func(_ context.Context, r io.Reader, _, _ string) (string, error) {
		h := sha256.New()
		_, err := io.Copy(h, r)
		return hex.EncodeToString(h.Sum(nil)), err
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Serve(w, r, r.Header.Get("Person")) }))
	t.Cleanup(web.Close)
	return s, web.URL
}

func do(t *testing.T, method, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Person", "soan")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAnUploadGoesOnAfterABreakAndARestart(t *testing.T) {
	dir := t.TempDir()
	_, url := server(t, dir)
	made := do(t, http.MethodPost, url+"/up", "", "Upload-Defer-Length", "1")
	at := made.Header.Get("Location")
	if made.StatusCode != http.StatusCreated || at == "" {
		t.Fatalf("made: %d %v", made.StatusCode, made.Header)
	}
	if res := do(t, http.MethodPatch, at, "nửa đầu, ", "Upload-Offset", "0"); res.StatusCode != http.StatusNoContent {
		t.Fatalf("first half: %d", res.StatusCode)
	}
	_, again := server(t, dir)
	at = again + at[strings.Index(at, "/up/"):]
	head := do(t, http.MethodHead, at, "")
	offset := head.Header.Get("Upload-Offset")
	if head.StatusCode != http.StatusOK || offset == "0" || offset == "" {
		t.Fatalf("after a restart: %d, at %q", head.StatusCode, offset)
	}
	whole := "nửa đầu, nửa sau"
	last := do(t, http.MethodPatch, at, "nửa sau", "Upload-Offset", offset, "Upload-Length", "23")
	sum := sha256.Sum256([]byte(whole))
	want := hex.EncodeToString(sum[:])
	if len(whole) != 23 {
		t.Fatalf("the text has %d bytes", len(whole))
	}
	if last.Header.Get(resume.DigestHeader) != want {
		t.Errorf("digest %q, want %q (status %d)", last.Header.Get(resume.DigestHeader), want, last.StatusCode)
	}
	// Who missed that answer is told again.
	if res := do(t, http.MethodHead, at, ""); res.Header.Get(resume.DigestHeader) != want {
		t.Errorf("asked again: %q", res.Header.Get(resume.DigestHeader))
	}
}

func TestAnUploadIsItsOwnersOnly(t *testing.T) {
	_, url := server(t, t.TempDir())
	at := do(t, http.MethodPost, url+"/up", "", "Upload-Length", "5").Header.Get("Location")
	for _, method := range []string{http.MethodHead, http.MethodPatch, http.MethodDelete, http.MethodGet} {
		if res := do(t, method, at, "", "Person", "khac", "Upload-Offset", "0"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s by somebody else: %d", method, res.StatusCode)
		}
	}
	for _, id := range []string{"../../etc/passwd", "x", strings.Repeat("0", 32)} {
		if res := do(t, http.MethodHead, url+"/up/"+id, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", id, res.StatusCode)
		}
	}
}

func TestTooLongIsRefusedAndOldOnesAreSwept(t *testing.T) {
	dir := t.TempDir()
	s, url := server(t, dir)
	if res := do(t, http.MethodPost, url+"/up", "", "Upload-Length", "9999999"); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", res.StatusCode)
	}
	do(t, http.MethodPost, url+"/up", "", "Upload-Length", "5")
	if err := s.Sweep(time.Now()); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) == 0 {
		t.Error("a fresh upload was swept")
	}
	if err := s.Sweep(time.Now().Add(49 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%d files left after two days", len(left))
	}
}

// FuzzUpload sends what a browser may send as an upload, in headers and body.
func FuzzUpload(f *testing.F) {
	s, err := resume.Open(f.TempDir(), "/up", 1<<10, func(context.Context, io.Reader, string, string) (string, error) { return "", nil })
	if err != nil {
		f.Fatal(err)
	}
	methods := []string{http.MethodPost, http.MethodHead, http.MethodPatch, http.MethodDelete}
	f.Add(uint8(0), "", "5", "0", "filename dGVu,person a2hhYw==", "bytes")
	f.Add(uint8(2), "/"+strings.Repeat("0", 32), "-1", "99999999999999999999", ",,, ,a", "")
	f.Add(uint8(1), "/../../etc/passwd", "", "", strings.Repeat("a,", 500), "")
	f.Fuzz(func(t *testing.T, method uint8, path, length, offset, metadata, body string) {
		send := func() int {
			r := httptest.NewRequestWithContext(t.Context(), methods[int(method)%len(methods)], "/up", strings.NewReader(body))
			r.URL.Path += path
			for name, value := range map[string]string{
				"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Length": length, "Upload-Offset": offset, "Upload-Metadata": metadata,
			} {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			s.Serve(w, r, "soan")
			return w.Code
		}
		// Beside it, the buffers of a request, and its file.
		protocoltest.HoldMemoryBeside(t, "upload", len(path)+len(length)+len(offset)+len(metadata)+len(body), 128<<10, func() { send() })
		if status := send(); status >= http.StatusInternalServerError {
			t.Errorf("status %d", status)
		}
		if err := s.Sweep(time.Now().Add(50 * time.Hour)); err != nil {
			t.Error(err)
		}
	})
}
