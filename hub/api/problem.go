package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/problem"
	"golang.org/x/text/language"
)

// Problem is the body of a refusal (RFC 9457). Title and detail are in the
// language that the request prefers, Vietnamese if it says nothing.
type Problem struct {
	Type   string `json:"type" doc:"always about:blank; code tells which problem it is"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail" doc:"what to do, in the language of the request"`
	Code   string `json:"code" doc:"stable, for programs"`
	Field  string `json:"field,omitempty" doc:"the part of the request at fault"`
	Vi     string `json:"detail_vi"`
	En     string `json:"detail_en"`
	// Errors lists every part of the request that breaks its schema, without values.
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is one part of a request that breaks its schema.
type FieldError struct {
	Field string `json:"field"`
	Rule  string `json:"rule" doc:"in English, for programmers"`
}

// refusal carries a problem through huma to render, which knows the language.
type refusal struct {
	status  int
	problem *problem.Problem
}

func (r *refusal) Error() string  { return r.problem.Error() }
func (r *refusal) GetStatus() int { return r.status }

func (r *refusal) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns the headers that go with the status.
func (r *refusal) GetHeaders() http.Header {
	h := http.Header{}
	switch r.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "30")
	}
	return h
}

// statusOf maps each kind of refusal to its status; false means that the error
// is none, but a failure of the hub.
func statusOf(err error) (int, bool) {
	for _, k := range []struct {
		kind   error
		status int
	}{
		{problem.ErrInvalid, http.StatusUnprocessableEntity},
		{problem.ErrNotFound, http.StatusNotFound},
		{problem.ErrConflict, http.StatusConflict},
		{problem.ErrForbidden, http.StatusForbidden},
		{problem.ErrUnauthorized, http.StatusUnauthorized},
		{problem.ErrTooLarge, http.StatusRequestEntityTooLarge},
		{problem.ErrBusy, http.StatusTooManyRequests},
		{problem.ErrFull, http.StatusInsufficientStorage},
		{problem.ErrUnavailable, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, k.kind) {
			return k.status, true
		}
	}
	return http.StatusInternalServerError, false
}

// refuse turns an error of a domain service into what huma, or a page, says of it. A
// failure is logged here, once; its text stays out of the answer.
func (s *Server) refuse(ctx context.Context, op string, err error) *refusal {
	var p *problem.Problem
	if errors.As(err, &p) {
		// The problem's own kind counts, not that of what led to it.
		status, _ := statusOf(p.Kind)
		return &refusal{status: status, problem: p}
	}
	status, known := statusOf(err)
	if !known && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "request failed", "operation", op, "error", err)
	}
	return &refusal{status: status, problem: generic(status)}
}

// generic returns what to say where nobody said anything better.
func generic(status int) *problem.Problem {
	p := func(kind error, code, vi, en string) *problem.Problem { return problem.New(kind, code, "", vi, en) }
	switch status {
	case http.StatusBadRequest:
		return p(problem.ErrInvalid, "malformed", "Yêu cầu không đọc được; hãy tải lại trang rồi thử lại.", "The request cannot be read; load the page again and try again. Programs send JSON.")
	case http.StatusUnauthorized:
		return p(problem.ErrUnauthorized, "not-logged-in", "Hãy đăng nhập.", "Log in first.")
	case http.StatusForbidden:
		return p(problem.ErrForbidden, "forbidden", "Tài khoản này không có quyền làm việc đó; hãy hỏi quản trị viên.", "This account may not do that; ask the administrator.")
	case http.StatusNotFound:
		return p(problem.ErrNotFound, "not-found", "Không tìm thấy; hãy kiểm tra địa chỉ, hoặc mở lại danh sách.", "There is no such thing; check the address, or open the list again.")
	case http.StatusMethodNotAllowed:
		return p(problem.ErrInvalid, "method-not-allowed", "Địa chỉ này không nhận yêu cầu như vậy; hãy tải lại trang rồi thử lại.", "This address does not take that method; load the page again and try again.")
	case http.StatusConflict:
		return p(problem.ErrConflict, "conflict", "Đã có hoặc đã bị thay đổi; hãy tải lại.", "It exists already or has changed; load it again.")
	case http.StatusRequestEntityTooLarge:
		return p(problem.ErrTooLarge, "too-large", "Nội dung gửi lên quá lớn; hãy gửi ít hơn.", "The request is too large; send less.")
	case http.StatusUnsupportedMediaType:
		return p(problem.ErrInvalid, "media-type", "Kiểu nội dung này không được nhận; hãy chọn tệp khác.", "This type of content is not taken; choose another file. Programs check Content-Type.")
	case http.StatusUnprocessableEntity:
		return p(problem.ErrInvalid, "invalid", "Yêu cầu có chỗ chưa đúng; hãy sửa rồi gửi lại.", "A part of the request breaks a rule; correct it and send it again.")
	case http.StatusTooManyRequests:
		return p(problem.ErrBusy, "busy", "Quá nhiều yêu cầu; hãy đợi một lát.", "Too many requests; wait a little.")
	case http.StatusInsufficientStorage:
		return p(problem.ErrFull, "storage-full", "Ổ đĩa của trung tâm đã đầy; hãy báo quản trị viên.", "The hub's disk is full; tell an administrator.")
	case http.StatusServiceUnavailable:
		return p(problem.ErrUnavailable, "unavailable", "Chức năng này tạm thời không dùng được; hãy thử lại sau, nếu vẫn vậy thì báo quản trị viên.", "This is not available at the moment; try again later, and tell an administrator if it stays so.")
	case http.StatusInternalServerError:
		return p(errors.ErrUnsupported, "internal", "Trung tâm gặp lỗi; hãy thử lại, nếu vẫn lỗi thì báo quản trị viên.", "The hub failed; try again, and tell an administrator if it fails again.")
	}
	return p(problem.ErrInvalid, "status-"+strconv.Itoa(status), "Yêu cầu không thực hiện được; hãy tải lại trang rồi thử lại.", "The request could not be done; load the page again and try again.")
}

// render turns refusals, and huma's own errors, into problems. The latter carry
// what the client sent; only names of fields and rules of the schema pass.
func (s *Server) render(ctx huma.Context, _ string, v any) (any, error) {
	switch e := v.(type) {
	case *refusal:
		return body(ctx.Header("Accept-Language"), e.status, e.problem), nil
	case *huma.ErrorModel:
		said := generic(e.Status)
		if e.Status == http.StatusUnprocessableEntity && len(e.Errors) > 0 {
			said = unfit(said, e.Errors[0])
		}
		b := body(ctx.Header("Accept-Language"), e.Status, said)
		for _, d := range e.Errors {
			if d == nil {
				continue
			}
			b.Errors = append(b.Errors, FieldError{Field: fieldName(d.Location), Rule: rule(d.Message)})
		}
		if b.Field == "" && len(b.Errors) > 0 {
			b.Field = b.Errors[0].Field
		}
		if e.Status == http.StatusInternalServerError {
			s.log.Error("request failed", "operation", ctx.Operation().OperationID, "error", e.Detail)
		}
		return b, nil
	}
	return v, nil
}

func body(accept string, status int, p *problem.Problem) *Problem {
	b := &Problem{Type: "about:blank", Status: status, Code: p.Code, Field: p.Field, Vi: p.Vi, En: p.En}
	if english(accept) {
		b.Title, b.Detail = http.StatusText(status), p.En
	} else {
		b.Title, b.Detail = titleVi(status), p.Vi
	}
	return b
}

// titleVi is the status in Vietnamese.
func titleVi(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "Yêu cầu chưa đúng"
	case http.StatusUnauthorized:
		return "Chưa đăng nhập"
	case http.StatusForbidden:
		return "Không có quyền"
	case http.StatusNotFound:
		return "Không tìm thấy"
	case http.StatusConflict:
		return "Xung đột"
	case http.StatusRequestEntityTooLarge:
		return "Quá lớn"
	case http.StatusTooManyRequests:
		return "Quá nhiều yêu cầu"
	case http.StatusInternalServerError:
		return "Lỗi của trung tâm"
	}
	return "Không thực hiện được"
}

// english says whether a request prefers English to Vietnamese (RFC 9110, 12.5.4).
func english(accept string) bool {
	if len(accept) > 200 {
		return false
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return false
	}
	_, i, c := language.NewMatcher([]language.Tag{language.Vietnamese, language.English}).Match(tags...)
	return i == 1 && c > language.No
}

// rule keeps a message of the schema's own words: "expected string". Others may
// quote what the client sent.
func rule(message string) string {
	for _, start := range []string{"expected ", "unexpected property", "required "} {
		if strings.HasPrefix(message, start) {
			text, _, _ := strings.Cut(message, ": ")
			return text
		}
	}
	return "cannot be read"
}

// fieldName cuts "body." from a location, and what is too long.
func fieldName(location string) string {
	name := strings.TrimPrefix(location, "body.")
	if r := []rune(name); len(r) > 64 {
		name = string(r[:64])
	}
	return name
}

// writeProblem answers where no route does.
func (s *Server) writeProblem(w http.ResponseWriter, r *http.Request, status int, p *problem.Problem) {
	for k, v := range (&refusal{status: status, problem: p}).GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body(r.Header.Get("Accept-Language"), status, p)); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}

func stack() string { return string(debug.Stack()) }
