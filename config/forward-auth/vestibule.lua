-- HAProxy (2.6 or later) asks Vestibule about a request:
--   http-request lua.vestibule-verify 127.0.0.1:9091 remote-
-- Headers of the answer that begin with the second word are set for the application.

-- What the answer depends on.
local PASSED = {
    "accept", "accept-language", "content-type", "cookie", "origin",
    "sec-fetch-dest", "sec-fetch-mode", "sec-websocket-key",
}
-- What of a refusal the browser gets.
local RETURNED = {
    "allow", "cache-control", "content-security-policy", "content-type", "location",
    "referrer-policy", "set-cookie", "www-authenticate", "x-content-type-options",
}

local function all(values)
    local list = {}
    for _, value in pairs(values or {}) do
        list[#list + 1] = value
    end
    return list
end

local function verify(txn, address, prefix)
    local headers = txn.http:req_get_headers()
    local question = {
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-proto"] = { "https" },
        ["x-forwarded-host"] = { txn.sf:req_fhdr("host") },
        ["x-forwarded-uri"] = { txn.sf:pathq() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    for _, name in ipairs(PASSED) do
        local values = all(headers[name])
        if #values > 0 then
            question[name] = values
        end
    end
    local asked, answer = pcall(function()
        return core.httpclient():get({
            url = "http://" .. address .. "/.vestibule/verify",
            headers = question,
            timeout = 5000,
        })
    end)
    local status = asked and answer and answer.status or 0
    if status == 200 then
        for name, values in pairs(answer.headers) do
            local value = all(values)[1] or ""
            if name:lower():sub(1, #prefix) == prefix and value ~= "" then
                txn.http:req_set_header(name, value)
            end
        end
        return
    end
    -- anything that is no clear no is one all the same
    local reply = { status = status >= 300 and status or 503, headers = {} }
    if status >= 300 then
        for _, name in ipairs(RETURNED) do
            local values = all(answer.headers[name])
            if #values > 0 then
                reply.headers[name] = values
            end
        end
        reply.body = answer.body or ""
    end
    txn:done(txn:reply(reply))
end

core.register_action("vestibule-verify", { "http-req" }, verify, 2)
