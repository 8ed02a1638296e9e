-- What LÖVE reads before main.lua: the window, and the few modules that are used.
function love.conf(t)
  t.version = "11.4"
  t.identity = "postevent-example"
  t.window.title = "postevent: every bounce is an event"
  t.window.width, t.window.height = 960, 600
  t.window.minwidth, t.window.minheight = 480, 300
  t.window.resizable = true
  for _, unused in ipairs { "audio", "joystick", "physics", "sound", "thread", "touch", "video" } do
    t.modules[unused] = false
  end
end
