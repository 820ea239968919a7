#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "baton/grpc/caller.hpp"
#include "bridge_test.grpc.pb.h"

namespace baton::grpc::test {

using bridge_test::Piece;

/// A door that a handler waits at until the test opens it.
class door {
 public:
  void open() {
    const std::scoped_lock lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_somebody() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

/// What a client asks of a handler, in its metadata "ask".
inline std::string asked(const ::grpc::ServerContextBase& of) {
  const auto found = of.client_metadata().find("ask");
  if (found == of.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

/// What all kinds of handlers do alike before anything else.
inline ::grpc::Status answer(::grpc::ServerContextBase& context, const Piece& in, Piece& out) {
  const auto ask = asked(context);
  out = in;
  if (ask == "metadata") {
    for (const auto& [key, value] : context.client_metadata())
      if (key.starts_with("x-"))
        context.AddInitialMetadata({key.data(), key.size()}, {value.data(), value.size()});
    context.AddTrailingMetadata("trailing", "at the end");
    context.AddTrailingMetadata("trailing-bin", std::string{"\0\xFF", 2});
  }
  if (ask == "unsendable") {
    context.AddInitialMetadata("content-type", "of mine");
    context.AddTrailingMetadata("te", "of mine");
    context.AddTrailingMetadata("good", "value");
  }
  if (ask == "fail")
    return {::grpc::StatusCode::FAILED_PRECONDITION, "not y\xC3\xA9t",
            std::string{"\x08\x09\0details", 10}};
  if (ask == "throw") throw std::runtime_error{"thrown by a handler"};
  if (ask == "deadline") {
    const auto left = context.deadline() - std::chrono::system_clock::now();
    out.set_number(
        static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(left).count()));
  }
  if (ask == "caller") {
    const auto who = caller::of(context);
    out.set_data(who.peer + "|" + who.subject + "|" + who.fingerprint);
  }
  return ::grpc::Status::OK;
}

/// Handlers that have a thread of their own.
class sync_service final : public bridge_test::Sync::Service {
 public:
  door held;     // "ask: hold" waits at it
  door started;  // opened by "ask: cancel"
  std::atomic<int> cancelled = 0;

  ::grpc::Status Say(::grpc::ServerContext* context, const Piece* in, Piece* out) override {
    stay(*context);
    return answer(*context, *in, *out);
  }
  ::grpc::Status Collect(::grpc::ServerContext* context, ::grpc::ServerReader<Piece>* reader,
                         Piece* out) override {
    stay(*context);
    Piece in;
    Piece all;
    for (; reader->Read(&in); all.set_number(all.number() + 1))
      all.mutable_data()->append(in.data());
    return answer(*context, all, *out);
  }
  ::grpc::Status Spread(::grpc::ServerContext* context, const Piece* in,
                        ::grpc::ServerWriter<Piece>* writer) override {
    stay(*context);
    Piece out;
    const auto how = answer(*context, *in, out);
    for (int i = 0; how.ok() && i < in->number(); ++i) {
      out.set_number(i);
      if (!writer->Write(out)) break;
    }
    return how;
  }
  ::grpc::Status Talk(::grpc::ServerContext* context,
                      ::grpc::ServerReaderWriter<Piece, Piece>* both) override {
    stay(*context);
    if (asked(*context) == "header") both->SendInitialMetadata();
    Piece in;
    Piece out;
    for (int i = 0; both->Read(&in); ++i) {
      if (const auto how = answer(*context, in, out); !how.ok()) return how;
      if (!both->Write(out)) break;
    }
    return ::grpc::Status::OK;
  }

 private:
  void stay(::grpc::ServerContext& context) {
    const auto ask = asked(context);
    if (ask == "hold") held.pass();
    if (ask != "cancel") return;
    started.open();
    while (!context.IsCancelled()) std::this_thread::yield();
    ++cancelled;
  }
};

/// Handlers on grpc++'s threads.
class callback_service final : public bridge_test::Callback::CallbackService {
 public:
  door started;
  door cancelled;

  ::grpc::ServerUnaryReactor* Say(::grpc::CallbackServerContext* context, const Piece* in,
                                  Piece* out) override {
    if (asked(*context) == "cancel") return new cancel_reactor{*this};
    auto* reactor = context->DefaultReactor();
    reactor->Finish(answer(*context, *in, *out));
    return reactor;
  }
  ::grpc::ServerReadReactor<Piece>* Collect(::grpc::CallbackServerContext* context,
                                            Piece* out) override {
    class reactor final : public ::grpc::ServerReadReactor<Piece> {
     public:
      reactor(::grpc::CallbackServerContext& context, Piece& out) : context_{context}, out_{out} {
        StartRead(&in_);
      }
      void OnReadDone(bool ok) override {
        if (!ok) return Finish(answer(context_, all_, out_));
        all_.set_number(all_.number() + 1);
        all_.mutable_data()->append(in_.data());
        StartRead(&in_);
      }
      void OnDone() override { delete this; }

     private:
      ::grpc::CallbackServerContext& context_;
      Piece& out_;
      Piece in_;
      Piece all_;
    };
    return new reactor{*context, *out};
  }
  ::grpc::ServerWriteReactor<Piece>* Spread(::grpc::CallbackServerContext* context,
                                            const Piece* in) override {
    class reactor final : public ::grpc::ServerWriteReactor<Piece> {
     public:
      reactor(::grpc::CallbackServerContext& context, const Piece& in) : count_{in.number()} {
        how_ = answer(context, in, out_);
        next();
      }
      void OnWriteDone(bool ok) override { ok ? next() : Finish(how_); }
      void OnDone() override { delete this; }

     private:
      void next() {
        if (!how_.ok() || number_ == count_) return Finish(how_);
        out_.set_number(number_++);
        StartWrite(&out_);
      }
      const int count_;
      int number_ = 0;
      ::grpc::Status how_;
      Piece out_;
    };
    return new reactor{*context, *in};
  }
  ::grpc::ServerBidiReactor<Piece, Piece>* Talk(::grpc::CallbackServerContext* context) override {
    return new talk_reactor{*this, *context};
  }

 private:
  class cancel_reactor final : public ::grpc::ServerUnaryReactor {
   public:
    explicit cancel_reactor(callback_service& of) : of_{of} { of_.started.open(); }
    void OnCancel() override {
      of_.cancelled.open();
      Finish(::grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

   private:
    callback_service& of_;
  };

  class talk_reactor final : public ::grpc::ServerBidiReactor<Piece, Piece> {
   public:
    talk_reactor(callback_service& of, ::grpc::CallbackServerContext& context)
        : of_{of}, context_{context} {
      const auto ask = asked(context_);
      if (ask == "header") StartSendInitialMetadata();
      if (ask == "cancel") of_.started.open();
      StartRead(&in_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) return end(::grpc::Status::OK);
      if (const auto how = answer(context_, in_, out_); !how.ok()) return end(how);
      StartWrite(&out_);
    }
    void OnWriteDone(bool ok) override {
      if (!ok) return end(::grpc::Status::OK);
      StartRead(&in_);
    }
    void OnCancel() override { of_.cancelled.open(); }
    void OnDone() override { delete this; }

   private:
    void end(const ::grpc::Status& how) { Finish(how); }
    callback_service& of_;
    ::grpc::CallbackServerContext& context_;
    Piece in_;
    Piece out_;
  };
};

}  // namespace baton::grpc::test
